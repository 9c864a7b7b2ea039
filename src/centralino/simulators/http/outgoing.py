# SPDX-License-Identifier: Apache-2.0
"""The client with which a simulated service calls those who asked to be told."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import httpx

if TYPE_CHECKING:
    from pathlib import Path


class Outgoing:
    """One client, made when the first address is called."""

    def __init__(self, authorities: Path | None, most_connections: int) -> None:
        """Make it; ``authorities`` is a PEM file of the roots that endpoints chain to."""
        self._authorities = authorities
        self._most_connections = most_connections
        self._made: httpx.AsyncClient | None = None

    @property
    def client(self) -> httpx.AsyncClient:
        """The client; it asks no proxy and follows nobody elsewhere."""
        if self._made is None:
            roots = None if self._authorities is None else str(self._authorities)
            self._made = httpx.AsyncClient(
                verify=ssl.create_default_context(cafile=roots),
                trust_env=False,
                follow_redirects=False,
                limits=httpx.Limits(max_connections=self._most_connections),
            )
        return self._made

    async def close(self) -> None:
        """Close all connections."""
        if self._made is not None:
            await self._made.aclose()
