# SPDX-License-Identifier: Apache-2.0
"""The device's own code and data as Python objects."""
