# SPDX-License-Identifier: Apache-2.0
"""What the tables of the two client transactions may order. Carried out by `client`."""

from __future__ import annotations

from enum import StrEnum


class Action(StrEnum):
    """One thing a client transaction does on a transition."""

    RESEND = "resend the request, lengthen the retry timer"
    STOP = "stop all timers"
    ACK = "send ACK"
    REPORT = "report the response"
    REPORT_TIMEOUT = "report a timeout"
    REPORT_TRANSPORT = "report a transport error"
    SLOW_DOWN = "retry every T2 from now on"
    LINGER_B = "arm the rest of timer B"
    LINGER_D = "arm timer D"
    LINGER_M = "arm timer M"
    LINGER_K = "arm timer K"
