# SPDX-License-Identifier: Apache-2.0
"""Runs cases one after the other and judges each by what was seen.

A case fails when a step does not come about, when an expectation is not met, or when one of
the global assertions does not hold for a message of it. It never stops the run.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from centralino.certification import rules, wiring
from centralino.certification.cases import Progress, run_in_order
from centralino.certification.evidence import Evidence, of_microsoft
from centralino.certification.expectations import Configuration, Recording
from centralino.certification.judging import judge
from centralino.certification.lab import Lab, LabOptions
from centralino.certification.ladders import draw
from centralino.certification.pace import REAL
from centralino.certification.recording import tones_of
from centralino.certification.result import Audio, CaseResult, Finding, PlanResult, Verdict
from centralino.certification.steps import Stagehand, StepFailed, losing
from centralino.certification.waiting import StallWatch, observe, until
from centralino.core.kernel.errors import ConfigError
from centralino.simulators.direct_routing.dress import upper_case_names
from centralino.wire.errors import ProtocolError

if TYPE_CHECKING:
    from centralino.certification.plan import Case, Plan
    from centralino.certification.product import ProductPort
    from centralino.exchange.ports import ClockPort

LAST_WORDS_S = 0.1
"""What is under way when all is over, such as the ACK of a refusal, has so long to arrive."""
SETTLE_S = 5.0
"""Longest wait after a case until every call is over and every port is given back."""


@dataclass(slots=True)
class _Begin:
    """Where the records stood when a case began."""

    messages: int
    report: int
    log: int
    journal: int
    connections: int


@dataclass(slots=True)
class Runner:
    """Runs cases of a plan on one laboratory."""

    lab: Lab
    progress: Progress[Case] = field(default_factory=Progress)

    async def run(self, cases: Sequence[Case]) -> list[CaseResult]:
        """Run cases in order; those that do not fit profile or pace are skipped.

        Raises:
            AppError: the product did not start.
        """
        return await run_in_order(cases, self._run_or_skip, self.progress)

    async def _run_or_skip(self, case: Case) -> CaseResult:
        if reason := self._reason_to_skip(case):
            return CaseResult(case.id, case.title, Verdict.SKIPPED, reason)
        return await self.run_case(self.lab.cases[case.id])

    def _reason_to_skip(self, case: Case) -> str:
        options = self.lab.options
        if options.profile not in case.profiles:
            return f"not part of the profile {options.profile}"
        if case.is_long and options.pace.is_fast:
            return "takes its time; run it without --fast"
        return ""

    async def run_case(self, case: Case) -> CaseResult:
        """Run one case and judge it."""
        lab = self.lab
        is_starting = not lab.is_running
        if not (is_starting and case.is_fresh):
            await lab.start_product()
            await lab.be_ready()
        begin = self._begin()
        evidence = Evidence(
            case=case,
            cast=lab.casts[case.id],
            pace=lab.options.pace,
            started_at=lab.utc(),
            proxies=wiring.PROXY_ADDRESSES,
        )
        watch = StallWatch()
        watch.start()
        problems, lost = await self._act(case, evidence)
        evidence.stall_ms = watch.stop()
        is_over = await self._settle(begin)
        self._collect(evidence, begin)
        self.lab.forget_calls()
        return self._judge(evidence, begin, problems, lost=lost, is_over=is_over)

    def _begin(self) -> _Begin:
        lab = self.lab
        return _Begin(
            messages=len(lab.tape.messages),
            report=len(lab.report.lines),
            log=len(lab.logs.refresh(lab.product.logs)),
            journal=len(lab.journal.refresh(lab.product.journal)),
            connections=len(lab.tape.connections),
        )

    async def _act(self, case: Case, evidence: Evidence) -> tuple[list[str], set[str]]:
        """Do the steps; returns what did not come about and the calls nobody listened to."""
        lab = self.lab
        hand = Stagehand(lab, evidence)
        await lab.start_product()
        lab.teams.stack.rewrite = losing(case.stage.lose)
        problems = []
        done = 0
        try:
            for step in case.steps:
                await hand.perform(step)
                done += 1
        except StepFailed as failed:
            problems.append(f"step {done + 1}: {failed}")
        finally:
            await hand.close()
            lab.teams.stack.rewrite = upper_case_names
            lab.teams.faults.faults.clear()
        return problems, hand.lost

    # ---- the end of a case

    async def _settle(self, begin: _Begin) -> bool:
        """End every call and wait until nothing is open; returns whether that came about."""
        self._hang_up()
        with suppress(TimeoutError):
            limit_s = SETTLE_S * self.lab.options.patience
            await until(lambda: True if self._is_quiet(begin) else None, limit_s)
            await observe(LAST_WORDS_S)
            return True
        return False

    def _hang_up(self) -> None:
        stack = self.lab.carrier.stack
        for call in self.lab.calls.values():
            with suppress(ProtocolError, LookupError):
                stack.endpoint.bye(call.session, stack.now())
        stack.flush()

    def _is_quiet(self, begin: _Begin) -> bool:
        lab = self.lab
        return (
            lab.carrier.calls_at_once == 0
            and not lab.teams.user_calls()
            and not self._open_interactions(begin)
            and lab.open_media_ports() == 0
        )

    def _open_interactions(self, begin: _Begin) -> list[str]:
        events = self.lab.journal.refresh(self.lab.product.journal)[begin.journal :]
        open_ones: dict[str, None] = {}
        for noted in events:
            if noted.name == "interaction.arrived":
                open_ones[noted.interaction] = None
            elif noted.name == "interaction.ended":
                open_ones.pop(noted.interaction, None)
        return list(open_ones)

    def _collect(self, evidence: Evidence, begin: _Begin) -> None:
        lab = self.lab
        evidence.messages = lab.tape.messages[begin.messages :]
        evidence.report = lab.report.lines[begin.report :]
        evidence.log = lab.logs.refresh(lab.product.logs)[begin.log :]
        evidence.journal = lab.journal.refresh(lab.product.journal)[begin.journal :]
        for item in evidence.case.expectations:
            if isinstance(item, Configuration):
                self._try_contact(item.contact_host, evidence)
            elif isinstance(item, Recording):
                self._listen_to_recording(item.caller, evidence)

    def _try_contact(self, host: str, evidence: Evidence) -> None:
        try:
            wiring.teams_trunk(replace(self.lab.run, pace=REAL), host)
        except ConfigError as error:
            if error.message and "contact_host" in error.message:
                evidence.refused_hosts[host] = error.message

    @staticmethod
    def _listen_to_recording(caller: str, evidence: Evidence) -> None:
        cast = evidence.cast
        people = (*cast.callers.values(), *cast.users.values())
        for noted in evidence.story(cast.callers[caller].number):
            path = str(noted.data.get("path", ""))
            if noted.name == "recording.completed" and path:
                tones = [person.tone_hz for person in people]
                evidence.channels[caller] = tones_of(Path(path), tones)

    # ---- the verdict

    def _judge(
        self,
        evidence: Evidence,
        begin: _Begin,
        problems: list[str],
        *,
        lost: set[str],
        is_over: bool,
    ) -> CaseResult:
        findings = [
            Finding(item.text, tuple(judge(item, evidence))) for item in evidence.case.expectations
        ]
        record = rules.Record(
            messages=of_microsoft(evidence.messages),
            trunk=wiring.TRUNK,
            connections=tuple(self.lab.tape.connections[begin.connections :]),
            media=_media_of(evidence),
            open_ports=0 if is_over else self.lab.open_media_ports(),
            open_interactions=() if is_over else tuple(self._open_interactions(begin)),
            lost_requests=frozenset(lost),
        )
        broken = rules.check_all(record)
        checked = [
            Finding(name, tuple(v.text for v in broken if v.rule == name)) for name in rules.RULES
        ]
        problems = [
            *problems,
            *(text for item in findings for text in item.problems),
            *(f"{item.text}: {text}" for item in checked for text in item.problems),
        ]
        return CaseResult(
            id=evidence.case.id,
            title=evidence.case.title,
            result=Verdict.FAILED if problems else Verdict.PASSED,
            reason=problems[0] if problems else "",
            duration_ms=round((self.lab.utc() - evidence.started_at) * 1000),
            expectations=tuple(findings),
            rules=tuple(checked),
            ladders=draw(evidence.messages),
            audio=tuple(_audio_of(evidence)),
        )


def _media_of(evidence: Evidence) -> tuple[rules.MediaFigures, ...]:
    began = {str(line.get("call_id")): line for line in evidence.lines("user.connected")}
    figures = []
    for line in evidence.lines("user.ended"):
        call_id = str(line.get("call_id"))
        if call_id in began:
            seconds = _number(line["at"]) - _number(began[call_id]["at"])
            packets = int(_number(line.get("rtcp_packets")))
            figures.append(rules.MediaFigures(call_id, seconds, packets))
    return tuple(figures)


def _audio_of(evidence: Evidence) -> list[Audio]:
    found = []
    names = {person.oid: name for name, person in evidence.cast.users.items()}
    names |= {person.number: name for name, person in evidence.cast.callers.items()}
    for line in evidence.report:
        if line["what"] not in ("user.ended", "call.ended", "outgoing.ended"):
            continue
        key = str(line.get("user") or line.get("number"))
        heard = line.get("tones_heard")
        found.append(
            Audio(
                who=names.get(key, key),
                own_tone_hz=int(_number(line.get("own_tone_hz"))),
                tones_heard=tuple(heard) if isinstance(heard, list) else (),
                longest_gap_ms=_number(line.get("longest_gap_ms")),
                keys_heard=str(line.get("keys_heard", "")),
            )
        )
    return found


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


async def run_plan(
    plan: Plan,
    ids: tuple[str, ...],
    options: LabOptions,
    product: ProductPort,
    clock: ClockPort,
    progress: Progress[Case] | None = None,
) -> PlanResult:
    """Run cases of a plan in a laboratory of their own; all cases when none is named.

    Raises:
        InvalidInput: an id that is not in the plan.
        AppError: the product did not start.
    """
    cases = plan.select(ids)
    started_at = clock.utc() / 1e9
    async with Lab(options, plan.cases, product, clock) as lab:
        results = await Runner(lab, progress or Progress()).run(cases)
    return PlanResult(
        model=plan.model,
        profile=options.profile,
        is_fast=options.pace.is_fast,
        started_at=started_at,
        cases=results,
    )
