# SPDX-License-Identifier: Apache-2.0
"""A model as a web page: the site, and a server for it."""
