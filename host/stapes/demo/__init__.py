# SPDX-License-Identifier: Apache-2.0
"""The whole path on a small scale: from clips to detections out of two firmwares, with a report."""
