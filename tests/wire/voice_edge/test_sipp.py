# SPDX-License-Identifier: Apache-2.0
"""sipp asks and calls over UDP, TCP and TLS; a small application on the stack answers.

This build of sipp has no TLS, so for TLS its TCP goes through a pump that does nothing but
encrypt, with the client certificate of a trunk.
"""

from __future__ import annotations

import asyncio
import csv
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import uvloop

from centralino.adapters.voice.settings import MatchRule
from tests.kit.certificates import trusted_authority
from tests.kit.ports import free_port
from tests.kit.processes import running
from tests.kit.requirements import require_program
from tests.wire.voice_edge.peers import (
    CARRIER,
    LOCAL,
    answer_calls,
    client_context,
    port_of,
    running_stack,
    settings_of,
    tls_settings,
    trunk,
)

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.wire

SCENARIOS = Path(__file__).parent / "scenarios"
MODES = {"udp": "u1", "tcp": "t1", "tls": "t1"}
CALLS = 40


@asynccontextmanager
async def _pump(target: int, context: ssl.SSLContext) -> AsyncIterator[int]:
    """A TCP port whose every connection goes on over TLS to ``target``."""
    tasks: set[asyncio.Task[None]] = set()

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        far = await asyncio.open_connection(
            LOCAL, target, ssl=context, server_hostname="sbc1.example.test"
        )
        await asyncio.gather(copy(reader, far[1]), copy(far[0], writer))

    server = await asyncio.start_server(serve, LOCAL, 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await server.wait_closed()
        if tasks:
            await asyncio.wait(tasks, timeout=5)


async def _run_sipp(folder: Path, target: int, mode: str, *scenario: str) -> tuple[int, int]:
    """Run sipp; return how many calls succeeded and failed."""
    async with running(
        require_program("sipp"),
        f"{LOCAL}:{target}",
        *scenario,
        *("-t", MODES[mode], "-i", LOCAL, "-p", str(free_port()), "-s", "+390612345678"),
        *("-m", str(CALLS), "-r", "40", "-d", "50", "-nostdin"),
        *("-timeout", "20s", "-timeout_error", "-trace_stat", "-stf", "statistics.csv"),
        folder=folder,
        environment={"TERM": "dumb"},
    ) as child:
        await child.wait(timeout_s=30)
    with (folder / "statistics.csv").open(encoding="utf-8") as file:
        last = list(csv.DictReader(file, delimiter=";"))[-1]
    return int(last["SuccessfulCall(C)"]), int(last["FailedCall(C)"])


@pytest.mark.parametrize(
    "scenario",
    [("-sf", str(SCENARIOS / "options.xml")), ("-sn", "uac")],
    ids=["options", "calls"],
)
@pytest.mark.parametrize("mode", ["udp", "tcp", "tls"])
def test_sipp_is_answered(tmp_path: Path, mode: str, scenario: tuple[str, str]) -> None:
    root = trusted_authority()
    names = MatchRule(names=("sbc.carrier.test",))
    ours = trunk(transport="tls", match=names) if mode == "tls" else trunk()
    tls = tls_settings(tmp_path, root.issue("sbc1.example.test"), root)

    async def run() -> None:
        async with running_stack(settings_of(ours, tls=tls)) as (stack, heard):
            heard.then = answer_calls(stack, CARRIER)
            target = port_of(stack, mode)
            if mode == "tls":
                context = client_context(tmp_path, root, root.issue("sbc.carrier.test"))
                async with _pump(target, context) as port:
                    result = await _run_sipp(tmp_path, port, mode, *scenario)
            else:
                result = await _run_sipp(tmp_path, target, mode, *scenario)
            assert result == (CALLS, 0)
            assert stack.admission.calls() == 0

    # The loop that the product runs on.
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run())
