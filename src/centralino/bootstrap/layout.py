# SPDX-License-Identifier: Apache-2.0
"""Where things lie: sockets, journal, recordings, logs. One place, so that all agree."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import centralino
from centralino.core.kernel.errors import ConfigError

if TYPE_CHECKING:
    from centralino.bootstrap.settings import Settings

_LONGEST_SOCKET_PATH = 100


@dataclass(frozen=True, slots=True)
class Layout:
    """The paths of one running product."""

    data_dir: Path
    run_dir: Path

    @classmethod
    def of(cls, settings: Settings) -> Layout:
        """Return the layout that settings ask for.

        Raises:
            ConfigError: the path of sockets is missing or longer than sockets allow.
        """
        if settings.run_dir is None:
            raise ConfigError("run_dir", "is not set", "a short path such as /run/centralino")
        layout = cls(Path(settings.data_dir).absolute(), Path(settings.run_dir).absolute())
        if len(str(layout.media_socket(999))) > _LONGEST_SOCKET_PATH:
            raise ConfigError("run_dir", "is too long for sockets", "take one under /run or /tmp")
        return layout

    @property
    def journal(self) -> Path:
        """The journal file."""
        return self.data_dir / "journal.sqlite3"

    @property
    def snapshots(self) -> Path:
        """Where the snapshots of a journal file are."""
        return self.data_dir / "snapshots"

    @property
    def mail(self) -> Path:
        """Where mails wait until they are delivered."""
        return self.data_dir / "mail"

    @property
    def spoken(self) -> Path:
        """Where texts that were spoken are kept as prompts."""
        return self.data_dir / "spoken"

    @property
    def running_note(self) -> Path:
        """Where a running product says where its sockets are."""
        return self.data_dir / "running"

    @property
    def logs(self) -> Path:
        """Where log files go when they are wanted."""
        return self.data_dir / "log"

    @property
    def settings_file(self) -> Path:
        """The settings as the processes read them."""
        return self.run_dir / "settings.json"

    @property
    def voice_socket(self) -> Path:
        """Where the voice process listens for the exchange."""
        return self.run_dir / "voice.sock"

    @property
    def control_socket(self) -> Path:
        """Where the exchange listens for edges."""
        return self.run_dir / "exchange.sock"

    @property
    def edge_port(self) -> Path:
        """Where the edge process writes the TCP port it listens on."""
        return self.run_dir / "edge.port"

    @property
    def onboarded(self) -> Path:
        """The record of organisations that were onboarded."""
        return self.data_dir / "entra" / "onboarded.jsonl"

    @property
    def session_key(self) -> Path:
        """The key that seals sessions of browsers."""
        return self.data_dir / "entra" / "session.key"

    @property
    def accounts(self) -> Path:
        """Where refresh tokens of bound accounts are."""
        return self.data_dir / "entra" / "accounts"

    @property
    def intake(self) -> Path:
        """Where Microsoft's deliveries wait to be dealt with."""
        return self.data_dir / "intake"

    @property
    def webhook_secret(self) -> Path:
        """The part of our webhooks' addresses that nobody can guess."""
        return self.data_dir / "webhook.secret"

    def media_socket(self, number: int) -> Path:
        """Where a media worker listens for the voice process."""
        return self.run_dir / f"media-{number}.sock"

    def media_checkpoint(self, number: int) -> Path:
        """Where a media worker keeps its counters."""
        return self.run_dir / f"media-{number}.ckpt"


def product_prompts() -> Path:
    """Return the directory of the prompts that come with the product."""
    return Path(centralino.__file__).parent / "prompts"
