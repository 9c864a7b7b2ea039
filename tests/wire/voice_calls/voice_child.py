# SPDX-License-Identifier: Apache-2.0
"""A voice process to be killed: ``voice_child.py SETTINGS CALLS VOICE_SOCKET MEDIA_SOCKET``."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import msgspec

from centralino.adapters.clock import SystemClock
from centralino.adapters.media.client import MediaPool
from centralino.adapters.voice.call_settings import CallSettings
from centralino.adapters.voice.process import run_voice
from centralino.adapters.voice.settings import VoiceSettings
from centralino.exchange.link.framing import Hello


async def main(settings: str, calls: str, voice_socket: str, media_socket: str) -> None:
    pool = MediaPool([Path(media_socket)], hello=Hello(name="voice", generation=1))
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(pool.run())
        await pool.wait_ready()
        await run_voice(
            msgspec.json.decode(Path(settings).read_bytes(), type=VoiceSettings),
            msgspec.json.decode(Path(calls).read_bytes(), type=CallSettings),
            pool,
            clock=SystemClock(),
            socket=Path(voice_socket),
            on_ready=lambda: print("serving", flush=True),  # noqa: T201 - the parent waits for it
        )


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
