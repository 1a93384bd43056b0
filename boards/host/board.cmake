# SPDX-License-Identifier: Apache-2.0
# The machine that builds: nothing to cross-compile.
set(STAPES_BOARD_SOURCES host/main.cc host/board.cc host/wav.cc)
