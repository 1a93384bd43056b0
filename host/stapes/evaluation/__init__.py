# SPDX-License-Identifier: Apache-2.0
"""What a model is worth: comparison of engines, confusion matrices."""
