# SPDX-License-Identifier: BSD-3-Clause
"""A Starlink-like line in network namespaces, with real servers on it. See README.md."""
