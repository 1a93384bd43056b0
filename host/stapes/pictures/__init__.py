# SPDX-License-Identifier: Apache-2.0
"""Pictures of recordings, features and trainings, by matplotlib."""
