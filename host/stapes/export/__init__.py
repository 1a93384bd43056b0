# SPDX-License-Identifier: Apache-2.0
"""From a trained network to a .tflite file with a report."""
