# SPDX-License-Identifier: Apache-2.0
"""Implements ``MailPort``: each message becomes one ready mail, a file in the outbox.

A letter is a file named after its recording, so the same one twice is one mail. It is
durable when :meth:`MailOutbox.send` returns. With an SMTP server it is delivered from there
and then moved to ``sent``; without one it waits for whoever empties the directory.
Sources: RFC 5322, RFC 2046 (multipart), RFC 5321.
"""

from __future__ import annotations

import asyncio
import os
import smtplib
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
import structlog

from centralino.core.kernel.errors import StorageError
from centralino.core.kernel.instant import SECOND

if TYPE_CHECKING:
    from centralino.exchange.errands import VoicemailLetter
    from centralino.exchange.ports import ClockPort


log = structlog.get_logger(__name__)

_SUBJECTS = {"it": "Messaggio vocale da {caller}", "en": "Voice message from {caller}"}
_UNKNOWN = {"it": "numero sconosciuto", "en": "an unknown number"}
_BODIES = {
    "it": "Casella: {box}\nNumero chiamato: {called}\nDurata: {seconds} s\n",
    "en": "Box: {box}\nCalled number: {called}\nLength: {seconds} s\n",
}


class MailSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How voicemail is mailed."""

    sender: str = "voicemail@localhost"
    """Address in ``From``."""
    smtp_host: str = ""
    """Mail server; empty leaves mails in the outbox."""
    smtp_port: Annotated[int, msgspec.Meta(ge=1, le=65535)] = 587
    security: Literal["starttls", "tls", "none"] = "starttls"
    user: str = ""
    password_file: str = ""
    """File that holds the password; empty signs in nowhere."""
    timeout_s: Annotated[float, msgspec.Meta(gt=0, le=120)] = 20.0


class MailOutbox:
    """Writes and delivers letters."""

    def __init__(self, settings: MailSettings, folder: Path, clock: ClockPort) -> None:
        self._settings = settings
        self._folder = folder
        self._clock = clock

    async def send(self, letter: VoicemailLetter) -> None:
        """Make a letter durable and deliver it if there is a server; see ``MailPort``."""
        name = f"{letter.recording}.eml"
        sent = self._folder / "sent" / name
        if await asyncio.to_thread(sent.exists):
            return
        message = await asyncio.to_thread(self._write, letter, self._folder / name)
        if self._settings.smtp_host:
            await self._deliver(message, self._folder / name, sent)

    async def _deliver(self, message: EmailMessage, path: Path, sent: Path) -> None:
        """Deliver a letter; one that cannot be now stays in the outbox."""
        try:
            await asyncio.to_thread(self._submit, message)
        except (OSError, smtplib.SMTPException) as error:
            log.warning("mail.not_delivered", letter=path.name, reason=type(error).__name__)
            return
        await asyncio.to_thread(_put_away, path, sent)

    def _write(self, letter: VoicemailLetter, path: Path) -> EmailMessage:
        try:
            message = self._message(letter, Path(letter.path).read_bytes())
            self._folder.mkdir(parents=True, exist_ok=True)
            new = path.with_suffix(".new")
            with new.open("wb") as file:
                file.write(message.as_bytes())
                file.flush()
                os.fsync(file.fileno())
            new.replace(path)
        except OSError as error:
            raise StorageError(f"a letter could not be written: {error}") from error
        return message

    def _message(self, letter: VoicemailLetter, sound: bytes) -> EmailMessage:
        language = letter.language.partition("-")[0]
        language = language if language in _SUBJECTS else "en"
        message = EmailMessage()
        caller = letter.caller_number or _UNKNOWN[language]
        message["From"] = self._settings.sender
        message["To"] = ", ".join(letter.mail_to)
        message["Subject"] = _SUBJECTS[language].format(caller=caller)
        message["Date"] = format_datetime(
            datetime.fromtimestamp(self._clock.utc() // SECOND, tz=UTC)
        )
        message["Message-ID"] = f"<{letter.recording}@centralino>"
        body = _BODIES[language].format(
            box=letter.box, called=letter.called_number, seconds=letter.duration_ms // 1000
        )
        message.set_content(body)
        message.add_attachment(
            sound, maintype="audio", subtype="wav", filename=f"{letter.recording}.wav"
        )
        return message

    def _submit(self, message: EmailMessage) -> None:
        settings = self._settings
        kind = smtplib.SMTP_SSL if settings.security == "tls" else smtplib.SMTP
        with kind(settings.smtp_host, settings.smtp_port, timeout=settings.timeout_s) as server:
            if settings.security == "starttls":
                server.starttls()
            if settings.password_file:
                password = Path(settings.password_file).read_text(encoding="utf-8").strip()
                server.login(settings.user, password)
            server.send_message(message)


def _put_away(path: Path, sent: Path) -> None:
    try:
        sent.parent.mkdir(parents=True, exist_ok=True)
        path.replace(sent)
    except OSError as error:
        raise StorageError(f"a sent letter could not be put away: {error}") from error
