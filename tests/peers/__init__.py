# SPDX-License-Identifier: Apache-2.0
"""Peers that we did not write, as tests use them: baresip and sipp."""
