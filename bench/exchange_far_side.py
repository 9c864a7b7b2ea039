# SPDX-License-Identifier: Apache-2.0
"""Callers and agents for the measurements of the exchange, in a process of their own.

Reads one JSON object per line from standard input: ``{"calls": n, "per_s": r,
"talk_ms": t, "patience_ms": p}`` places calls and answers, when all are over (or, with
``"keep": true``, when all are placed), with one line ``{"answered", "set_up_ms", "gaps_ms",
"failed"}``. ``{"hang_up": true}`` ends what is kept. Times are taken where messages leave
and arrive: the INVITE of the caller to the INVITE at the agent, and the end of an agent's
call to his next INVITE.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path

import msgspec
import uvloop

from centralino.simulators.carrier.carrier import CarrierSimulator
from centralino.simulators.direct_routing.proxy import DirectRoutingSimulator
from centralino.simulators.report import Line, Report
from centralino.simulators.scenario import Caller, Scenario, load_scenario


class Script(msgspec.Struct, frozen=True):
    """One order of the measurement."""

    calls: int = 0
    per_s: float = 10.0
    talk_ms: int = 500
    patience_ms: int = 60_000
    keep: bool = False
    hang_up: bool = False


class FarSide:
    """Both simulators and what was seen of the calls."""

    def __init__(self, scenario: Scenario) -> None:
        """Prepare; ``run`` opens the sockets."""
        self._report = Report(time.perf_counter, keep=0)
        self._report.on_line = self._seen
        self._scenario = scenario
        self._number = 0
        self._placed: dict[str, float] = {}
        self._rest()

    def _rest(self) -> None:
        self._set_up_ms: list[float] = []
        self._gaps_ms: list[float] = []
        self._answered = 0
        self._failed = 0
        self._freed: dict[str, float] = {}

    async def run(self) -> None:
        """Serve orders until standard input closes."""
        scenario = self._scenario
        assert scenario.direct_routing is not None
        assert scenario.carrier is not None
        async with (
            DirectRoutingSimulator(scenario, scenario.direct_routing, self._report),
            CarrierSimulator(scenario, scenario.carrier, self._report) as carrier,
        ):
            self._carrier = carrier
            reader = asyncio.StreamReader()
            await asyncio.get_running_loop().connect_read_pipe(
                lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
            )
            _say({"ready": True})
            while line := await reader.readline():
                script = msgspec.json.decode(line, type=Script)
                if script.hang_up:
                    for call in carrier.caller_calls():
                        call.hang_up()
                    await self._over()
                else:
                    await self._place(script)
                _say(
                    {
                        "answered": self._answered,
                        "failed": self._failed,
                        "set_up_ms": self._set_up_ms,
                        "gaps_ms": self._gaps_ms,
                    }
                )
                self._rest()

    async def _place(self, script: Script) -> None:
        loop = asyncio.get_running_loop()
        plan = self._scenario.carrier
        assert plan is not None
        started = loop.time()
        for index in range(script.calls):
            await asyncio.sleep(max(0.0, started + index / script.per_s - loop.time()))
            self._number += 1
            self._carrier.call(
                Caller(
                    number=f"+39333{self._number:07}",
                    called=plan.callers[0].called,
                    tone_hz=plan.callers[0].tone_hz,
                    talk_for_ms=script.talk_ms,
                    patience_ms=script.patience_ms,
                )
            )
        if not script.keep:
            await self._over()

    async def _over(self) -> None:
        while self._carrier.calls_at_once:  # noqa: ASYNC110 - looked at from outside, in a bench
            await asyncio.sleep(0.05)

    def _seen(self, line: Line) -> None:
        at, what, number = float(str(line["at"])), line["what"], str(line.get("number"))
        if what == "call.placed":
            self._placed[number] = at
        elif what == "user.called":
            caller = str(line["from_"]).partition("sip:")[2].partition("@")[0]
            if caller in self._placed:
                self._set_up_ms.append((at - self._placed.pop(caller)) * 1000)
            if number in self._freed:
                self._gaps_ms.append((at - self._freed.pop(number)) * 1000)
        elif what == "user.ended":
            self._freed[number] = at
        elif what == "call.ended":
            is_good = bool(line["tones_heard"])
            self._answered += is_good
            self._failed += not is_good


def _say(message: object) -> None:
    print(json.dumps(message), flush=True)


async def _main(path: Path) -> None:
    await FarSide(load_scenario(path)).run()


if __name__ == "__main__":
    uvloop.run(_main(Path(sys.argv[1])))
