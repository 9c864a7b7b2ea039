# SPDX-License-Identifier: Apache-2.0
"""Centralino: a self-hostable contact center for Microsoft Teams.

The package holds the whole server. Which folder keeps which secret, and who may import
whom, is told in ``docs/explanation/architecture.md`` and enforced by ``make check``.
"""

__version__ = "0.1.0.dev0"
