# SPDX-License-Identifier: Apache-2.0
"""What the tables of the two server transactions may order. Carried out by `server`."""

from __future__ import annotations

from enum import StrEnum


class Action(StrEnum):
    """One thing a server transaction does on a transition."""

    SEND = "send the new response"
    REPEAT = "send the last response again"
    RESEND = "send the last response again, lengthen timer G"
    STOP = "stop all timers"
    ARM_G = "arm timer G (unreliable transport)"
    ARM_H = "arm timer H"
    REPORT_ACK = "report the ACK"
    REPORT_EXPIRED = "report that nobody answered the request"
    LINGER_I = "arm timer I"
    LINGER_J = "arm timer J"
    LINGER_L = "arm timer L"
