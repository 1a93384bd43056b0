# SPDX-License-Identifier: Apache-2.0
"""Sounds of surroundings that are computed, for those who have no recordings of any."""
