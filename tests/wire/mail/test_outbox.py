# SPDX-License-Identifier: Apache-2.0
"""A message becomes one ready mail, whatever the mail server does."""

from __future__ import annotations

import asyncio
import email
import socketserver
import threading
from email import policy
from typing import TYPE_CHECKING

import pytest
from typing_extensions import override

from centralino.adapters.clock import SystemClock
from centralino.adapters.mail.outbox import MailOutbox, MailSettings
from centralino.core.kernel.errors import StorageError
from centralino.core.kernel.ids import RecordingId
from centralino.exchange.errands import VoicemailLetter

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.wire


def letter(path: Path, **changes: object) -> VoicemailLetter:
    fields: dict[str, object] = {
        "recording": RecordingId("voicemail-1"),
        "box": "sales",
        "mail_to": ("a@acme.example", "b@acme.example"),
        "path": str(path),
        "duration_ms": 4200,
        "caller_number": "+39333111222",
        "called_number": "+390200000001",
        "language": "it",
        **changes,
    }
    return VoicemailLetter(**fields)  # type: ignore[arg-type]  # fields of the letter


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    path = tmp_path / "m.wav"
    path.write_bytes(b"RIFF sound")
    return path


def send(folder: Path, one: VoicemailLetter, settings: MailSettings | None = None) -> None:
    async def run() -> None:
        await MailOutbox(settings or MailSettings(), folder, SystemClock()).send(one)

    asyncio.run(run())


def test_a_letter_is_one_file_with_the_sound(tmp_path: Path, sound: Path) -> None:
    for _ in range(2):
        send(tmp_path / "mail", letter(sound))
    (path,) = (tmp_path / "mail").iterdir()
    mail = email.message_from_bytes(path.read_bytes(), policy=policy.default)
    assert mail["To"] == "a@acme.example, b@acme.example"
    assert mail["Subject"] == "Messaggio vocale da +39333111222"
    (attached,) = list(mail.iter_attachments())
    assert attached.get_content() == b"RIFF sound"


def test_an_anonymous_caller_and_another_language(tmp_path: Path, sound: Path) -> None:
    send(tmp_path / "mail", letter(sound, caller_number=None, language="de"))
    (path,) = (tmp_path / "mail").iterdir()
    mail = email.message_from_bytes(path.read_bytes(), policy=policy.default)
    assert mail["Subject"] == "Voice message from an unknown number"


def test_a_recording_that_is_gone_is_told(tmp_path: Path) -> None:
    with pytest.raises(StorageError):
        send(tmp_path / "mail", letter(tmp_path / "gone.wav"))


def test_a_mail_server_that_is_away_leaves_the_letter_in_the_outbox(
    tmp_path: Path, sound: Path
) -> None:
    settings = MailSettings(smtp_host="127.0.0.1", smtp_port=1, security="none", timeout_s=2)
    send(tmp_path / "mail", letter(sound), settings)
    assert [one.name for one in (tmp_path / "mail").iterdir()] == ["voicemail-1.eml"]


class _Smtp(socketserver.StreamRequestHandler):
    """Takes one mail, as RFC 5321 has it."""

    got: list[bytes]

    @override
    def handle(self) -> None:
        self.wfile.write(b"220 ready\r\n")
        while line := self.rfile.readline():
            verb = line[:4].upper()
            if verb == b"DATA":
                self.wfile.write(b"354 go on\r\n")
                body = b""
                while (part := self.rfile.readline()) not in {b".\r\n", b""}:
                    body += part
                type(self).got.append(body)
                self.wfile.write(b"250 taken\r\n")
            elif verb == b"QUIT":
                self.wfile.write(b"221 bye\r\n")
                return
            else:
                self.wfile.write(b"250 fine\r\n")


def test_a_delivered_letter_is_put_away_and_not_sent_again(tmp_path: Path, sound: Path) -> None:
    _Smtp.got = []
    with socketserver.TCPServer(("127.0.0.1", 0), _Smtp) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        settings = MailSettings(
            smtp_host="127.0.0.1", smtp_port=server.server_address[1], security="none"
        )
        for _ in range(2):
            send(tmp_path / "mail", letter(sound), settings)
        server.shutdown()
    assert len(_Smtp.got) == 1
    assert [one.name for one in (tmp_path / "mail" / "sent").iterdir()] == ["voicemail-1.eml"]
