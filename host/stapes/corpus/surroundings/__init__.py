# SPDX-License-Identifier: Apache-2.0
"""Computed sounds of surroundings, for people who have no recordings of real ones."""
