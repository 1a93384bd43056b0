# SPDX-License-Identifier: Apache-2.0
"""The firmware with one model as source folders for other build systems."""
