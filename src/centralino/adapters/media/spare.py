# SPDX-License-Identifier: Apache-2.0
"""Ports that a worker has open for legs to come, and how it tells its driver of them.

A driver that knows some opens a leg without waiting for the worker's answer: it names one
of them. So neither has to be woken for the other at once. A worker without legs keeps none
open; one that is named too late is opened then.
"""

from __future__ import annotations

from centralino.exchange.media import Event

STOCK = 32
"""Pairs a worker keeps open in advance, for a busy fifth of a second; then more are told."""


class SparePorts(Event, frozen=True, tag="spare_ports"):
    """These ports, and no others, are open without a leg; each may be named in a ``Reserve``."""

    address: str
    rtp_ports: tuple[int, ...]
