# SPDX-License-Identifier: Apache-2.0
"""What a flow needs beyond a call driver: web services, mail, texts spoken aloud.

Each errand is a task of its own with a time limit; what came of it is a command like any
other, so it is durable before a flow sees it. Errands under way when the exchange dies are
not repeated: a flow's own deadline passes for a lookup, mail is asked for again at the next
re-attachment, and so is what should be playing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import structlog

from centralino.core.flows.actions import Clip
from centralino.core.interactions.commands import (
    AnswerLookup,
    AnyCallCommand,
    ConfirmMail,
    FailLookup,
    FinishPlay,
)
from centralino.core.kernel.errors import AppError
from centralino.exchange import orders
from centralino.exchange.tenant import Input

if TYPE_CHECKING:
    from centralino.core.interactions.effects import PlaySounds, RequestLookup, SendMail
    from centralino.core.kernel.ids import LegId, OrderId, RecordingId, TenantId
    from centralino.exchange.speech import SpeechPort

log = structlog.get_logger(__name__)

MOST_LOOKUPS = 200
"""Lookups at once; more fail as ``overloaded``."""
MOST_MAILS = 1000
SPEAK_WITHIN_S = 10.0
MAIL_WITHIN_S = 60.0
LOOKUP_MARGIN_S = 0.5


@dataclass(frozen=True, slots=True)
class LookupRequest:
    """One request to a web service."""

    method: str
    url: str
    headers: Mapping[str, str]
    secrets: Mapping[str, str]
    """Header to the name of the secret that is its value."""
    body: str
    timeout_ms: int


@dataclass(frozen=True, slots=True)
class LookupReply:
    """What it answered."""

    status: int
    body: str
    """At most 64 KiB."""


class LookupPort(Protocol):
    """Asks web services. One request, no redirects, no retries; bounded in time and size."""

    async def ask(self, request: LookupRequest) -> LookupReply:
        """Send a request.

        Raises:
            RemoteTimeout: no answer in time.
            RemoteUnavailable: it cannot be reached, or may not be.
            RemoteRejected: its answer is too large; or a secret is not there.
        """
        ...


@dataclass(frozen=True, slots=True)
class VoicemailLetter:
    """A message as it is mailed."""

    recording: RecordingId
    box: str
    mail_to: tuple[str, ...]
    path: str
    duration_ms: int
    caller_number: str | None
    called_number: str
    language: str


class MailPort(Protocol):
    """Mails messages. Idempotent by recording: the same one twice is one mail."""

    async def send(self, letter: VoicemailLetter) -> None:
        """Hand a letter over for delivery; durable when it returns.

        Raises:
            StorageError: it cannot be kept.
            RemoteError: the mail service refused it for good.
        """
        ...


@dataclass(frozen=True, slots=True)
class Helpers:
    """Who runs errands; one that is missing makes its errands fail."""

    lookups: LookupPort | None = None
    mail: MailPort | None = None
    speech: SpeechPort | None = None


class Errands:
    """Runs errands; ``start`` first."""

    def __init__(
        self,
        helpers: Helpers,
        *,
        submit: Callable[[TenantId, Input], Awaitable[None]],
        request: Callable[[list[orders.AnyOrder]], None],
    ) -> None:
        self._helpers = helpers
        self._submit = submit
        self._request = request
        self._group: asyncio.TaskGroup | None = None
        self._lookups = 0
        self._mailing: set[RecordingId] = set()
        self._speaking: dict[LegId, tuple[OrderId, list[orders.AnyOrder]]] = {}
        """Leg to the playing that is being spoken, and what must come after it."""

    def start(self, group: asyncio.TaskGroup) -> None:
        """Run errands as tasks of ``group`` from now on."""
        self._group = group

    def _spawn(self, work: Awaitable[None]) -> None:
        assert self._group is not None  # noqa: S101 - the exchange starts us first

        async def guarded() -> None:
            try:
                await work
            except AppError as error:
                log.warning("errand.refused", code=error.code, reason=error.message)

        self._group.create_task(guarded())

    async def _tell(self, tenant: TenantId, command: AnyCallCommand) -> None:
        await self._submit(tenant, Input(command))

    # -------------------------------------------------------------------- lookups
    def look_up(self, tenant: TenantId, effect: RequestLookup) -> None:
        """Ask a web service for a flow."""
        self._spawn(self._look_up(tenant, effect))

    async def _look_up(self, tenant: TenantId, effect: RequestLookup) -> None:
        answer = await self._ask(effect)
        if isinstance(answer, LookupReply):
            command: AnyCallCommand = AnswerLookup(
                interaction=effect.interaction,
                ask=effect.ask,
                status=answer.status,
                body=answer.body,
            )
        else:
            log.info("lookup.failed", interaction=effect.interaction, reason=answer)
            command = FailLookup(interaction=effect.interaction, ask=effect.ask, reason=answer)
        await self._tell(tenant, command)

    async def _ask(self, effect: RequestLookup) -> LookupReply | str:
        """Return the answer, or why there is none."""
        if self._helpers.lookups is None:
            return "not-configured"
        if self._lookups >= MOST_LOOKUPS:
            return "overloaded"
        request = LookupRequest(
            method=effect.method,
            url=effect.url,
            headers=effect.headers,
            secrets=effect.secrets,
            body=effect.body,
            timeout_ms=effect.timeout_ms,
        )
        self._lookups += 1
        try:
            async with asyncio.timeout(effect.timeout_ms / 1000 + LOOKUP_MARGIN_S):
                return await self._helpers.lookups.ask(request)
        except TimeoutError:
            return "remote-timeout"
        except AppError as error:
            return error.code
        finally:
            self._lookups -= 1

    # ----------------------------------------------------------------------- mail
    def mail(self, tenant: TenantId, effect: SendMail) -> None:
        """Mail a message, unless that is under way."""
        if effect.recording in self._mailing or len(self._mailing) >= MOST_MAILS:
            return
        self._mailing.add(effect.recording)
        self._spawn(self._mail(tenant, effect))

    async def _mail(self, tenant: TenantId, effect: SendMail) -> None:
        letter = VoicemailLetter(
            recording=effect.recording,
            box=effect.box,
            mail_to=effect.mail_to,
            path=effect.path,
            duration_ms=effect.duration_ms,
            caller_number=effect.caller_number,
            called_number=effect.called_number,
            language=effect.language,
        )
        problem = ""
        try:
            if self._helpers.mail is None:
                problem = "not-configured"
            else:
                async with asyncio.timeout(MAIL_WITHIN_S):
                    await self._helpers.mail.send(letter)
        except TimeoutError:
            problem = "timeout"
        except AppError as error:
            problem = error.code
        finally:
            self._mailing.discard(effect.recording)
        if problem:
            log.warning("voicemail.not_mailed", recording=effect.recording, reason=problem)
        await self._tell(tenant, ConfirmMail(recording=effect.recording, problem=problem))

    # --------------------------------------------------------------------- speech
    def speak(self, tenant: TenantId, name: OrderId, effect: PlaySounds) -> None:
        """Have texts spoken and play them; later orders of the leg wait for that."""
        _, waiting = self._speaking.get(effect.leg, (name, []))
        self._speaking[effect.leg] = (name, waiting)
        self._spawn(self._speak(tenant, name, effect))

    def hold_back(self, order: orders.AnyOrder) -> bool:
        """Keep an order until what comes before it is spoken; tell whether it was kept."""
        held = self._speaking.get(order.leg)
        if held is None:
            return False
        if isinstance(order, orders.HangUp | orders.Bridge):
            del self._speaking[order.leg]
            return False
        held[1].append(order)
        return True

    async def _speak(self, tenant: TenantId, name: OrderId, effect: PlaySounds) -> None:
        prompts: list[str] = []
        try:
            async with asyncio.timeout(SPEAK_WITHIN_S):
                for sound in effect.sounds:
                    if isinstance(sound, Clip):
                        prompts.append(sound.name)
                    elif self._helpers.speech is not None:
                        spoken = await self._helpers.speech.speak(sound.text, sound.language)
                        prompts.append(spoken.name)
        except (TimeoutError, AppError) as error:
            log.warning("speech.failed", reason=type(error).__name__)
            prompts = []
        if self._speaking.get(effect.leg, (None,))[0] != name:
            return
        _, waiting = self._speaking.pop(effect.leg)
        play = orders.Play(
            order=name,
            leg=effect.leg,
            play=effect.play,
            prompts=tuple(prompts),
            loop=effect.is_looped,
            barge_in=effect.may_interrupt,
        )
        self._request([play, *waiting] if prompts else waiting)
        if not prompts and not effect.is_looped:
            await self._tell(tenant, FinishPlay(leg=effect.leg, play=effect.play, reason="failed"))
