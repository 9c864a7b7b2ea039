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


async def main(
    settings: VoiceSettings, calls: CallSettings, voice_socket: Path, media_socket: Path
) -> None:
    pool = MediaPool([media_socket], hello=Hello(name="voice", generation=1))
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(pool.run())
        await pool.wait_ready()
        await run_voice(
            settings,
            calls,
            pool,
            clock=SystemClock(),
            socket=voice_socket,
            on_ready=lambda: print("serving", flush=True),  # noqa: T201 - the parent waits for it
        )


if __name__ == "__main__":
    files = [Path(argument) for argument in sys.argv[1:]]
    asyncio.run(
        main(
            msgspec.json.decode(files[0].read_bytes(), type=VoiceSettings),
            msgspec.json.decode(files[1].read_bytes(), type=CallSettings),
            files[2],
            files[3],
        )
    )
