# SPDX-License-Identifier: Apache-2.0
"""The one typed tree of settings.

Each part brings its own branch; this module only joins them. Values come from defaults,
then a YAML file, then the environment (``sources``). Secrets are never here: settings
name the file that holds one.
"""

from __future__ import annotations

import os
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from centralino.adapters.entra.settings import EntraSettings
from centralino.adapters.graph.settings import GraphSettings
from centralino.adapters.journal.settings import JournalSettings
from centralino.adapters.lookup.http import LookupSettings
from centralino.adapters.mail.outbox import MailSettings
from centralino.adapters.voice.call_settings import CallSettings
from centralino.adapters.voice.settings import VoiceSettings
from centralino.api.settings import ApiSettings
from centralino.core.routing.configuration import TenantConfiguration

Port = Annotated[int, Meta(ge=1024, le=65535)]


class _Branch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What all branches share: immutable, no unknown keys."""


class LogSettings(_Branch, frozen=True, kw_only=True):
    """What is logged, and how."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    """Lowest level that is written."""
    format: Literal["json", "console"] = "json"
    """``json``: one object per line, for collectors; ``console``: for people."""
    to_files: bool = False
    """True writes one file per process under ``<data_dir>/log``; false writes to standard
    error, which is what service managers want."""


class MediaSettings(_Branch, frozen=True, kw_only=True):
    """The media workers."""

    workers: Annotated[int, Meta(ge=0, le=256)] = 0
    """How many processes; 0 is one less than the machine has cores, at least one."""
    first_port: Port = 20000
    """First UDP port of the range that the workers share; RTP takes the even ones."""
    last_port: Port = 29999
    """Last UDP port of the range, included."""
    prompt_directories: tuple[str, ...] = ()
    """Where prompts and music lie, as WAV; the first directory that has a name wins. The
    prompts that come with the product are always looked at last."""
    tone_country: str = "it"
    """Whose ringback tone is played (ISO 3166 code in lower case)."""

    def worker_count(self) -> int:
        """Return how many workers to start on this machine."""
        return self.workers or max(1, (os.cpu_count() or 2) - 1)


class ProcessSettings(_Branch, frozen=True, kw_only=True):
    """How processes are started and stopped."""

    ready_s: Annotated[float, Meta(gt=0, le=600)] = 30.0
    """A process that is not ready after this many seconds has failed."""
    stop_s: Annotated[float, Meta(gt=0, le=600)] = 5.0
    """A process that has not ended this many seconds after SIGTERM is killed."""
    has_standby: bool = True
    """Keep one warm media worker that takes over at once when one dies (about 40 MB)."""


class Settings(_Branch, frozen=True, kw_only=True):
    """Everything."""

    profile: Literal["live", "demo"] = "live"
    """`demo` is what `centralino demo` sets: the API then moves to another port where the usual
    one is taken."""
    data_dir: str = "centralino-data"
    """Journal, recordings, certificates, logs: what must survive a restart."""
    run_dir: str | None = None
    """Local sockets between the processes; a short path (sockets allow about 100 characters).
    None: a new directory under the system's temporary one."""
    tenants: tuple[TenantConfiguration, ...]
    """The organisations served, each with its numbers, flows, queues and agents."""
    voice: VoiceSettings
    """SIP: listeners, certificates, trunks, limits."""
    calls: CallSettings = CallSettings()
    """What is done with calls while nobody decides: time-outs, holding treatment, routes."""
    media: MediaSettings = MediaSettings()
    journal: JournalSettings = JournalSettings()
    """Where inputs and events become durable."""
    api: ApiSettings = ApiSettings()
    entra: EntraSettings = EntraSettings()
    """Who may sign in, and how: Microsoft Entra ID."""
    graph: GraphSettings = GraphSettings()
    """Presence, people and calendars: Microsoft Graph, for the organisations that sign in."""
    lookups: LookupSettings = LookupSettings()
    """Web services that flows may ask."""
    mail: MailSettings = MailSettings()
    """How voicemail is mailed."""
    process: ProcessSettings = ProcessSettings()
    log: LogSettings = LogSettings()
