# SPDX-License-Identifier: Apache-2.0
"""Does the steps of a cloud case; what does not come about in time ends the case."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, cast

import httpx

from centralino.certification.cloud import plan, stage
from centralino.certification.cloud.evidence import NOTED, CloudEvidence, Replied
from centralino.certification.cloud.judging import word
from centralino.certification.waiting import observe, until
from centralino.core.kernel.instant import SECOND
from centralino.simulators.graph.deliveries import DeliveryFaults
from centralino.simulators.graph.presence import Appointment, Pair
from centralino.simulators.http import faults

if TYPE_CHECKING:
    from centralino.certification.cloud.lab import CloudLab
    from centralino.certification.watch import Noted
    from centralino.simulators.entra.mint import Defect

_VOLATILE = ("instance", "request", "trace_id", "timestamp")
ASK_AGAIN_AFTER_S = 0.5
MANY = 1001


class StepFailed(Exception):
    """A step did not come about."""


class Stagehand:
    """Does the steps of one case."""

    def __init__(self, lab: CloudLab, evidence: CloudEvidence, begin: tuple[int, int]) -> None:
        self._lab = lab
        self._evidence = evidence
        self._journal_from, self._log_from = begin
        self._tokens: dict[str, str] = {}

    async def perform(self, step: plan.AnyStep) -> None:
        """Do one step and mark its moment.

        Raises:
            StepFailed: it did not come about.
        """
        if not isinstance(step, plan.AwaitNoted):
            self._mark(step)
        try:
            await _DOERS[type(step)](self, step)
        except TimeoutError:
            raise StepFailed(f"{step.__struct_config__.tag} did not come about") from None
        if not isinstance(step, plan.PresenceStep | plan.Fault | plan.Deliver | plan.Ask):
            self._mark(step)

    def _mark(self, step: plan.Step) -> None:
        if step.mark:
            self._evidence.moments[step.mark] = self._lab.utc()

    # --------------------------------------------------------------------------- sign-in
    async def token(self, step: plan.Token) -> None:
        """Get a token."""
        if step.kind == "application":
            form = {
                "grant_type": "client_credentials",
                "client_id": stage.PROGRAM,
                "client_secret": stage.SECRET,
                "scope": f"api://{stage.CLIENT}/.default",
            }
            self._tokens[step.name] = await self._lab.entra_token(form)
            return
        directory = stage.DIRECTORY_OF[step.person]
        defect = cast("Defect", step.defect) if step.defect else None
        found = self._lab.entra.teams_token(
            directory, stage.PEOPLE[step.person], stage.CLIENT, defect
        )
        if found is None:
            raise StepFailed(f"Teams may not have a token for {step.person}")
        self._tokens[step.name] = found

    async def ask(self, step: plan.Ask) -> None:
        """Ask the product."""
        reply = await self._ask(step)
        for _ in range(step.times - 1):
            reply = await self._ask(step)
        end = self._lab.utc() + step.within_s
        while step.until_status and reply.status != step.until_status:
            if self._lab.utc() > end:
                break
            await observe(ASK_AGAIN_AFTER_S)
            reply = await self._ask(step)
        if step.mark:
            self._evidence.replies[step.mark] = reply

    async def _ask(self, step: plan.Ask) -> Replied:
        path = step.path.format(agent=stage.AGENT)
        token = step.raw_token or self._tokens.get(step.token, "")
        headers = {"authorization": f"Bearer {token}"} if token else {}
        if step.method == "POST":
            headers["idempotency-key"] = f"certify-{self._evidence.case.id}-{self._lab.utc()}"
        try:
            answer = await self._lab.http.request(
                step.method, self._lab.api + path, headers=headers, json=step.body
            )
        except httpx.HTTPError as error:
            return Replied(step.method, path, 0, type(error).__name__)
        return Replied(step.method, path, answer.status_code, _comparable(answer))

    async def keys(self, step: plan.Keys) -> None:
        """Change the keys."""
        ring = self._lab.entra.ring
        {"rotate": ring.rotate, "replace": ring.replace, "withdraw": ring.withdraw}[step.action]()

    # ---------------------------------------------------------------------------- faults
    async def fault(self, step: plan.Fault) -> None:
        """Plant a fault."""
        service = {
            "entra": self._lab.entra.service,
            "graph": self._lab.graph.application.service,
        }[step.at]
        headers = {} if step.retry_after_s is None else {"retry-after": str(step.retry_after_s)}
        fault = faults.Fault(step.route, step.status, "planted", "Planted.", headers, times=None)
        service.faults.plant(fault)

    async def mend(self, step: plan.Mend) -> None:
        """Take everything out."""
        del step
        mend(self._lab)

    async def shuffle(self, step: plan.Shuffle) -> None:
        """Deliver twice and out of order."""
        del step
        self._lab.graph.world.deliveries.faults = DeliveryFaults(duplicates=1.0, swaps=0.5)

    async def mute(self, step: plan.MuteSubscriptions) -> None:
        """Notify nobody."""
        del step
        for subscription in self._lab.subscriptions():
            subscription.is_silent = True

    async def kill(self, step: plan.Kill) -> None:
        """Kill a process; its supervisor starts another."""
        pid = self._lab.product.pid(step.process)
        if pid is None:
            raise StepFailed(f"there is no process {step.process}")
        os.kill(pid, signal.SIGKILL)

        def is_another() -> bool | None:
            fresh = self._lab.product.pid(step.process)
            return True if fresh not in {None, pid} else None

        await until(is_another, 20.0)

    # -------------------------------------------------------------------------- presence
    async def presence(self, step: plan.PresenceStep) -> None:
        """Let somebody set his presence in Teams."""
        graph = self._lab.graph
        board = graph.world.tenants[stage.DIRECTORY].board
        oid, now = stage.PEOPLE[step.person], graph.application.now()
        sources = board.sources(oid)
        sources.preferred, sources.appointments = None, ()
        if step.activity == "InAMeeting":
            sources.appointments = (Appointment(now, now + 3600 * SECOND),)
        elif step.availability:
            sources.prefer(Pair(step.availability, step.activity), None, now)
        board.changed(oid, now)
        graph.world.changed()

    async def await_noted(self, step: plan.AwaitNoted) -> None:
        """Wait until the product has noted it; the moment is the journal's."""

        def find() -> Noted | None:
            events = self._lab.journal.refresh(self._lab.product.journal)
            for one in reversed(events[self._journal_from :]):
                if one.name == NOTED and one.data.get("agent") == step.agent:
                    is_so = not step.availability or word(one, "availability") == step.availability
                    is_from = not step.source or word(one, "source") == step.source
                    return one if is_so and is_from else None
            return None

        found = await until(find, step.within_s)
        if step.mark:
            self._evidence.moments[step.mark] = found.at

    async def await_shown(self, step: plan.AwaitShown) -> None:
        """Wait until our session in Teams says it."""
        board = self._lab.graph.world.tenants[stage.DIRECTORY].board
        sources = board.sources(stage.PEOPLE[step.person])

        def find() -> bool | None:
            session = sources.sessions.get(stage.CLIENT)
            is_so = session is not None and session.pair.availability == step.availability
            return True if is_so else None

        await until(find, step.within_s)

    async def await_log(self, step: plan.AwaitLog) -> None:
        """Wait for a line of the log."""

        def find() -> bool | None:
            lines = self._lab.logs.refresh(self._lab.product.logs)[self._log_from :]
            return True if any(line.event == step.event for line in lines) else None

        await until(find, step.within_s)

    async def await_subscription(self, step: plan.AwaitSubscription) -> None:
        """Wait for a subscription that is not muted."""

        def find() -> bool | None:
            return True if any(not one.is_silent for one in self._lab.subscriptions()) else None

        await until(find, step.within_s)

    async def await_pause(self, step: plan.AwaitPause) -> None:
        """Wait until nothing was asked for so long."""
        lab, began = self._lab, self._lab.utc()

        def find() -> bool | None:
            asked = [one.at for one in lab.asked if one.to == step.to and step.path in one.path]
            last = max([began, *asked])
            return True if lab.utc() - last >= step.for_s else None

        await until(find, step.within_s)

    async def observe(self, step: plan.Observe) -> None:
        """Let time pass."""
        await observe(step.for_s)

    # -------------------------------------------------------------------------- webhooks
    async def deliver(self, step: plan.Deliver) -> None:
        """Post to the product's webhook."""
        address, body = self._delivery(step)
        params = {"validationToken": "echo me"} if step.kind == "stranger-validation" else None
        answer = await self._lab.http.post(address, content=body, params=params)
        path = httpx.URL(address).path.rpartition("/")[2]
        if step.mark:
            reply = Replied("POST", f"webhook {path}", answer.status_code, answer.text)
            self._evidence.replies[step.mark] = reply

    def _delivery(self, step: plan.Deliver) -> tuple[str, bytes]:
        strange = f"{self._lab.api}/v1/webhooks/guessed/graph-notifications"
        known = self._lab.subscriptions()
        address = known[0].url if known else strange
        item: dict[str, Any] = {
            "subscriptionId": known[0].id if known else "unknown",
            "clientState": "guessed",
            "tenantId": stage.DIRECTORY,
            "changeType": "updated",
            "resource": f"communications/presences('{stage.PEOPLE['agent']}')",
        }
        if step.kind.startswith("stranger"):
            return strange, json.dumps({"value": [item]}).encode()
        if step.kind == "nonsense":
            return address, b'{"value": "nothing of the kind"}'
        if step.kind == "oversized":
            return address, b" " * (5 << 20)
        if step.kind == "many":
            return address, json.dumps({"value": [item] * MANY}).encode()
        return address, json.dumps({"value": [item]}).encode()


def mend(lab: CloudLab) -> None:
    """Take out everything that was planted."""
    lab.entra.service.faults.clear()
    lab.graph.application.service.faults.clear()
    lab.graph.world.deliveries.faults = DeliveryFaults()
    for subscription in lab.subscriptions():
        subscription.is_silent = False


def _comparable(answer: httpx.Response) -> str:
    """Return a body without what names the one request."""
    try:
        body = answer.json()
    except ValueError:
        return answer.text[:2000]
    if isinstance(body, dict):
        body = {name: value for name, value in body.items() if name not in _VOLATILE}
    return json.dumps(body, sort_keys=True)[:2000]


_DOERS: dict[type[plan.Step], Callable[[Stagehand, Any], Awaitable[None]]] = {
    plan.Token: Stagehand.token,
    plan.Ask: Stagehand.ask,
    plan.Keys: Stagehand.keys,
    plan.Fault: Stagehand.fault,
    plan.Mend: Stagehand.mend,
    plan.PresenceStep: Stagehand.presence,
    plan.AwaitNoted: Stagehand.await_noted,
    plan.AwaitLog: Stagehand.await_log,
    plan.AwaitShown: Stagehand.await_shown,
    plan.AwaitSubscription: Stagehand.await_subscription,
    plan.AwaitPause: Stagehand.await_pause,
    plan.Observe: Stagehand.observe,
    plan.Deliver: Stagehand.deliver,
    plan.Shuffle: Stagehand.shuffle,
    plan.MuteSubscriptions: Stagehand.mute,
    plan.Kill: Stagehand.kill,
}
