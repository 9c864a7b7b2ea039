# SPDX-License-Identifier: Apache-2.0
"""Names of the far side on loopback: a small DNS server for the scenario's table."""
