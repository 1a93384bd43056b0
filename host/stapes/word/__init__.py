# SPDX-License-Identifier: Apache-2.0
"""A model of a word from its text alone: plan, stages, what is known of the result."""
