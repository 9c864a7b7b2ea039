# SPDX-License-Identifier: Apache-2.0
"""baresip as a telephone: it plays a tone of its own and keeps what it hears as WAV.

Controlled over its TCP interface (netstrings with JSON). The module ``sndfile`` writes
the decoded audio of each call to a file, which a test measures.
"""

from __future__ import annotations

import asyncio
import json
import wave
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from centralino.wire.rtp.tone import has_tone
from tests.kit.ports import free_tcp_port, free_udp_port
from tests.kit.processes import running
from tests.kit.requirements import require_program

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

RATE = 8000
MODULES = ("g711", "aufile", "aubridge", "sndfile", "srtp")
APPLICATIONS = ("account", "menu", "ctrl_tcp")


def write_tone(path: Path, hz: int, length_s: float = 120.0) -> None:
    """Write a WAV file with a tone."""
    t = np.arange(int(RATE * length_s)) / RATE
    samples = (8000 * np.sin(2 * np.pi * hz * t)).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(samples.tobytes())


def _configuration(folder: Path, sip_port: int, control_port: int, tone: Path) -> str:
    modules = "\n".join(f"module {name}.so" for name in MODULES)
    applications = "\n".join(f"module_app {name}.so" for name in APPLICATIONS)
    return f"""\
poll_method epoll
sip_listen 127.0.0.1:{sip_port}
net_interface 127.0.0.1
call_local_timeout 60
call_max_calls 4
audio_player aubridge,nil
audio_source aufile,{tone}
audio_alert aubridge,nil
audio_level no
ausrc_srate 8000
auplay_srate 8000
ausrc_channels 1
auplay_channels 1
rtp_ports 10000-19998
snd_path {folder}
module_path /usr/lib/baresip/modules
{modules}
{applications}
ctrl_tcp_listen 127.0.0.1:{control_port}
"""


class Baresip:
    """A running baresip."""

    def __init__(
        self,
        folder: Path,
        sip_port: int,
        streams: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    ) -> None:
        self.folder = folder
        self.sip_port = sip_port
        self.uri = f"sip:tester@127.0.0.1:{sip_port}"
        self._reader, self._writer = streams
        self._token = 0

    async def command(self, name: str, parameters: str = "") -> None:
        """Give a command (``dial``, ``accept``, ``hangup``, ``sndcode``...)."""
        self._token += 1
        text = json.dumps({"command": name, "params": parameters, "token": str(self._token)})
        self._writer.write(f"{len(text)}:{text},".encode())
        await self._writer.drain()

    async def event(self, kind: str, *, timeout_s: float = 15.0) -> dict[str, Any]:
        """Return the next event of that kind (``CALL_ESTABLISHED``...); others pass by.

        Raises:
            TimeoutError: none came in time.
        """
        async with asyncio.timeout(timeout_s):
            while True:
                message = await self._message()
                if message.get("type") == kind:
                    return message

    async def _message(self) -> dict[str, Any]:
        size = (await self._reader.readuntil(b":"))[:-1]
        body = await self._reader.readexactly(int(size))
        await self._reader.readexactly(1)
        message: dict[str, Any] = json.loads(body)
        return message

    async def hear(self, hz: int, *, timeout_s: float = 15.0) -> None:
        """Wait until a tone is heard.

        Raises:
            TimeoutError: it was not.
        """
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(timeout_s):
            while not has_tone(self.heard()[-RATE:], hz):
                moment = loop.create_future()
                handle = loop.call_later(0.1, moment.set_result, None)
                try:
                    await moment
                finally:
                    handle.cancel()

    def heard(self) -> np.ndarray[Any, np.dtype[np.int16]]:
        """Return the samples that were heard in all calls so far, at 8 kHz."""
        parts = []
        for path in sorted(self.folder.glob("dump-*-dec.wav")):
            data = path.read_bytes()
            start = data.find(b"data") + 8
            parts.append(np.frombuffer(data[start : start + (len(data) - start) // 2 * 2], "<i2"))
        return np.concatenate(parts) if parts else np.zeros(0, dtype=np.int16)


@asynccontextmanager
async def baresip(folder: Path, *, tone_hz: int, accounts: str = "") -> AsyncIterator[Baresip]:
    """Run baresip; it answers calls by itself and speaks ``tone_hz``."""
    program = require_program("baresip")
    folder.mkdir(parents=True, exist_ok=True)  # noqa: ASYNC240 - a moment, in a test
    tone = folder / "tone.wav"
    write_tone(tone, tone_hz)
    sip_port, control_port = free_udp_port(), free_tcp_port()
    (folder / "config").write_text(_configuration(folder, sip_port, control_port, tone))
    (folder / "accounts").write_text(
        accounts
        or f"<sip:tester@127.0.0.1:{sip_port}>;regint=0;audio_codecs=PCMA,PCMU;answermode=auto\n"
    )
    (folder / "contacts").write_text("")
    async with running(program, "-f", str(folder)) as process:
        await process.wait_for_line("baresip is ready")
        streams = await asyncio.open_connection("127.0.0.1", control_port)
        try:
            yield Baresip(folder, sip_port, streams)
        finally:
            streams[1].close()
