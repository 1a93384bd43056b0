# SPDX-License-Identifier: Apache-2.0
"""A model of a word from nothing but its text: plan, stages, what is known of the result."""
