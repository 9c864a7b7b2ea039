# SPDX-License-Identifier: Apache-2.0
"""Does the steps of a case, one after the other, on a laboratory."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from functools import singledispatchmethod
from typing import TYPE_CHECKING

from cryptography import x509

from centralino.certification import plan, probe, wiring
from centralino.certification.evidence import Evidence, Heard, Moment
from centralino.certification.exchanged import PROBE, Exchanged
from centralino.certification.stage import MENU_KEY, far_caller
from centralino.certification.waiting import observe, until
from centralino.certification.wiring import PROXIES, PROXY_ADDRESSES, TRUNK
from centralino.simulators import scenario as far
from centralino.simulators.direct_routing.dress import upper_case_names
from centralino.wire.sip.errors import SipParseError
from centralino.wire.sip.message import Message, Request, Response, parse_message

if TYPE_CHECKING:
    from centralino.certification.lab import Lab

TOOL = "tool"
"""Part under which a probe to the proxies is recorded: it is not the product that speaks."""
_tokens = itertools.count(1)


class StepFailed(Exception):
    """A step did not come about; the message says which and why."""


class Stagehand:
    """Performs the steps of one case and notes when they were done."""

    def __init__(self, lab: Lab, evidence: Evidence) -> None:
        self._lab = lab
        self._evidence = evidence
        self._case, self._cast = evidence.case, evidence.cast
        self._report_from = len(lab.report.lines)
        self._disturbed_at = evidence.started_at
        self._probes: dict[str, probe.Probe] = {}
        self.lost: set[str] = set()
        """Call-IDs of probes that nobody listened to."""

    async def perform(self, step: plan.AnyStep) -> None:
        """Do a step.

        Raises:
            StepFailed: what it waits for did not happen.
        """
        begun = self._lab.utc()
        await self._do(step)
        is_change = isinstance(
            step, plan.FaultStep | plan.Mend | plan.CertificateStep | plan.Proxies
        )
        if is_change:
            self._disturbed_at = begun
        if step.mark:
            at = begun if is_change else self._lab.utc()
            self._evidence.moments[step.mark] = Moment(at, self._heard())

    async def close(self) -> None:
        """Close the probes that were kept."""
        for kept in self._probes.values():
            await kept.close()

    def _heard(self) -> dict[str, Heard]:
        return {
            name: Heard(call.party.ear.windows, call.party.ear.audible_ms)
            for name, call in self._lab.calls.items()
        }

    @singledispatchmethod
    async def _do(self, step: plan.Step) -> None:
        raise TypeError(f"nothing performs {type(step).__name__}")

    # ---- people

    @_do.register
    async def _call(self, step: plan.Call) -> None:
        wanted = next(c for c in self._case.stage.callers if c.name == step.caller)
        self._lab.calls[step.caller] = self._lab.carrier.call(far_caller(wanted, self._cast))

    @_do.register
    async def _dial(self, step: plan.Dial) -> None:
        self._lab.teams.place(
            far.OutgoingCall(
                at_ms=0,
                user=self._cast.users[step.user].oid,
                number=self._cast.number,
                talk_for_ms=step.talk_for_ms,
                actions=(
                    far.Action(at_ms=step.keys_after_ms, do="keys", keys=step.keys or MENU_KEY),
                ),
            )
        )

    # ---- waiting

    @_do.register
    async def _await(self, step: plan.Await) -> None:
        person = self._cast.users[step.user].oid if step.user else ""
        number = self._cast.callers[step.caller].number if step.caller else ""
        wanted: dict[str, object] = dict(step.fields)
        if person:
            wanted["user"] = person
        if number:
            wanted["number"] = number

        def find() -> bool | None:
            lines = self._lab.report.lines[self._report_from :]
            found = any(
                line["what"] == step.what and all(line.get(k) == v for k, v in wanted.items())
                for line in lines
            )
            return True if found else None

        await self._wait(step, find, f"{step.what} of {step.user or step.caller or 'anybody'}")

    @_do.register
    async def _await_log(self, step: plan.AwaitLog) -> None:
        def find() -> bool | None:
            lines = self._lab.logs.refresh(self._lab.product.logs)
            found = any(
                line.fits(step.event, step.fields) and line.at >= self._disturbed_at
                for line in lines
            )
            return True if found else None

        await self._wait(step, find, f"{step.event} {dict(step.fields)}")

    @_do.register
    async def _await_service(self, step: plan.AwaitService) -> None:
        def find() -> bool | None:
            answered = {
                item.address
                for item in reversed(self._lab.tape.messages)
                if item.at >= self._disturbed_at and item.is_like("< 200 OPTIONS")
            }
            is_asked = answered.issuperset(PROXY_ADDRESSES)
            return True if is_asked and self._lab.is_in_service() else None

        await self._wait(step, find, "the trunk's return to service")

    @_do.register
    async def _await_closed(self, step: plan.AwaitClosed) -> None:
        kept = self._probes[step.probe]
        await self._wait(
            step, lambda: True if kept.closed.is_set() else None, f"the end of {step.probe}"
        )

    async def _wait(self, step: plan.Timed, find: Callable[[], bool | None], what: str) -> None:
        options = self._lab.options
        limit_s = step.limit_s(is_fast=options.pace.is_fast) * options.patience
        try:
            await until(find, limit_s)
        except TimeoutError:
            raise StepFailed(f"{what} did not come within {limit_s:g} s") from None

    @_do.register
    async def _observe(self, step: plan.Observe) -> None:
        is_fast = self._lab.options.pace.is_fast
        await observe(step.for_s if is_fast else step.for_real_s or step.for_s)

    # ---- what goes wrong

    @_do.register
    async def _fault(self, step: plan.FaultStep) -> None:
        self._lab.teams.faults.faults.append(
            far.Fault(
                when=step.when,
                proxy=PROXIES[step.proxy - 1] if step.proxy else "",
                do=step.act,
                status=step.status,
                retry_after_s=step.retry_after_s,
            )
        )

    @_do.register
    async def _mend(self, step: plan.Mend) -> None:
        del step
        self._lab.teams.faults.faults.clear()

    @_do.register
    async def _certificate(self, step: plan.CertificateStep) -> None:
        before = _serial(self._lab.sbc.certificate.read_bytes())
        self._lab.write_certificate(step.kind)
        self._lab.is_disturbed = True
        if step.kind == "renewed":
            after = _serial(self._lab.sbc.certificate.read_bytes())
            self._evidence.serials.update(old=before, new=after)

    @_do.register
    async def _proxies(self, step: plan.Proxies) -> None:
        self._lab.is_disturbed = True
        await self._lab.restart_proxies(step.certificate)

    @_do.register
    async def _style(self, step: plan.Style) -> None:
        self._lab.is_disturbed = True
        style = replace(
            self._lab.usual_style(),
            codecs=step.teams,
            is_secure=not step.is_plain,
            event_payload_type=step.events,
        )
        self._lab.set_style(style, step.carrier)

    # ---- probes

    @_do.register
    async def _probe(self, step: plan.ProbeStep) -> None:
        is_tool = step.target == "proxies"
        lab, ports = self._lab, self._lab.ports
        target = (PROXY_ADDRESSES[0], ports.proxies) if is_tool else (wiring.PRODUCT, ports.tls)
        asked = probe.Probe(self._recorder(TOOL if is_tool else PROBE), is_dressed=not is_tool)
        self._probes[step.name] = asked
        self._evidence.probes[step.name] = asked.outcome
        context = probe.client_context(lab.probe_files(step.certificate), lab.authority.root)
        name = PROXIES[0] if is_tool else TRUNK
        if await asked.connect(step.address, target, name, context):
            if asked.outcome.connection is not None and not is_tool:
                lab.tape.connections.append(asked.outcome.connection)
            if step.send:
                await self._say(step, asked)
        if not step.keep:
            await asked.close()

    def _recorder(self, part: str) -> Callable[[bool, bytes], None]:
        def record(is_from_product: bool, raw: bytes) -> None:
            self._lab.tape.add(part, is_from_product, "", raw)

        return record

    async def _say(self, step: plan.ProbeStep, asked: probe.Probe) -> None:
        origin = self._origin(step)
        if step.send == "BYE":
            sent, answer = self._dialog_of(step.user)
            await asked.ask(probe.bye_of_callee(origin, sent, answer))
            self._drop(step.user)
            return
        body = probe.offer(step.offer, is_plain=step.is_plain)
        request = probe.invite(origin, self._target(step), body)
        response = await asked.ask(request)
        if response is None:
            self.lost.add(request.call_id)
            return
        asked.outcome.codec = probe.answered_codec(response)
        result = asked.outcome.result
        asked.send(probe.follow_up("ACK", origin, request, response))
        if response.status < 300:
            await asked.ask(probe.follow_up("BYE", origin, request, response))
            asked.outcome.result = result

    def _origin(self, step: plan.ProbeStep) -> probe.Origin:
        token = f"{self._case.id.lower()}-{step.name}-{next(_tokens)}"
        if step.target == "proxies":
            via = f"{TRUNK}:{self._lab.ports.tls}"
            return probe.Origin(TRUNK, via, step.contact or f"sip:{via};transport=tls", token)
        via = f"sip-du-a-eu.pstnhub.test:{self._lab.ports.proxies}"
        contact = f"sip:api-du-a-euwe.pstnhub.test:{self._lab.ports.proxies};transport=tls"
        return probe.Origin(PROXIES[0], via, step.contact or contact, token)

    def _target(self, step: plan.ProbeStep) -> str:
        ports = self._lab.ports
        if step.target == "proxies":
            return f"sip:+390200100000@{PROXIES[0]}:{ports.proxies};user=phone"
        return f"sip:{self._cast.number}@{TRUNK}:{ports.tls};user=phone;transport=tls"

    def _dialog_of(self, user: str) -> tuple[Request, Response]:
        number = self._cast.users[user].number
        for item in reversed(self._lab.tape.messages):
            if item.is_initial_invite and item.request is not None and number in item.request.uri:
                answer = next(
                    m.message
                    for m in self._lab.tape.messages
                    if m.call_id == item.call_id and m.is_like("< 200 INVITE")
                )
                if isinstance(answer, Response):
                    return item.request, answer
        raise StepFailed(f"{user} has no call")

    def _drop(self, user: str) -> None:
        """Let the simulated user forget a call that ended behind his back."""
        number = self._cast.users[user].number
        for call in self._lab.teams.user_calls():
            if call.user.number == number:
                call.close()
                self._lab.teams.forget(call.session)


def losing(patterns: tuple[str, ...]) -> Callable[[bytes], bytes]:
    """Return what the proxies do with messages on their way out when some are to be lost."""

    def rewrite(data: bytes) -> bytes:
        try:
            message: Message = parse_message(data)
        except SipParseError:
            return upper_case_names(data)
        seen = Exchanged(0.0, "", False, "", data, message)
        return b"" if any(seen.is_like(p) for p in patterns) else upper_case_names(data)

    return rewrite


def _serial(pem: bytes) -> int:
    return x509.load_pem_x509_certificate(pem).serial_number
