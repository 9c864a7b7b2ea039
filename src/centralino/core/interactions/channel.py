# SPDX-License-Identifier: Apache-2.0
"""What a piece of work comes by. What each costs an agent is said by ``agents.capacity``."""

from __future__ import annotations

from enum import StrEnum


class Channel(StrEnum):
    """The kind of an interaction."""

    VOICE = "voice"
    CHAT = "chat"
    """Written, and answered at once: web chat, a chat in Teams."""
    MAIL = "mail"
    MESSAGE = "message"
    """Written, and answered when there is time: SMS, social messages."""
    TASK = "task"
    """Work without a customer at the other end."""
