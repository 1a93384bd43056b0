# SPDX-License-Identifier: Apache-2.0
"""The `stapes` command: one thin module per subcommand."""
