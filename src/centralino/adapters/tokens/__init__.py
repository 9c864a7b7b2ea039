# SPDX-License-Identifier: Apache-2.0
"""Who is behind a token: implementations of ``TokenPort``."""
