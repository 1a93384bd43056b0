# SPDX-License-Identifier: Apache-2.0
"""Boards, builds, emulators, and the folder of C arrays that a build compiles in."""
