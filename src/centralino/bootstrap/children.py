# SPDX-License-Identifier: Apache-2.0
"""Which processes the product has, how each is started, and in which order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from centralino.adapters.media.settings import WorkerSettings
from centralino.bootstrap.layout import Layout, product_prompts
from centralino.bootstrap.supervisor import ChildSpec, Supervisor

if TYPE_CHECKING:
    from pathlib import Path

    from centralino.bootstrap.settings import MediaSettings, Settings

_WORKER = "centralino.adapters.media.worker"
_PROCESS = "centralino.bootstrap.process"


def prompt_directories(media: MediaSettings, spoken: Path | None = None) -> tuple[str, ...]:
    """Return where prompts are looked for, in order; texts are spoken into ``spoken``."""
    own = media.prompt_directories if spoken is None else (*media.prompt_directories, str(spoken))
    return (*own, str(product_prompts()))


def media_children(settings: Settings, layout: Layout) -> list[ChildSpec]:
    """Return the media workers, each with its share of the port range."""
    media = settings.media
    count = media.worker_count()
    span = (media.last_port - media.first_port + 1) // count // 2 * 2
    return [_media_child(media, layout, number, span) for number in range(count)]


def _media_child(media: MediaSettings, layout: Layout, number: int, span: int) -> ChildSpec:
    first = media.first_port + number * span
    worker = WorkerSettings(
        name=f"media-{number}",
        socket_path=str(layout.media_socket(number)),
        checkpoint_path=str(layout.media_checkpoint(number)),
        first_port=first,
        last_port=first + span - 1,
        prompt_directories=prompt_directories(media, layout.spoken),
        tone_country=media.tone_country,
    )
    return ChildSpec(
        name=worker.name,
        arguments=(
            *("-m", _WORKER, "--name", worker.name),
            *("--socket", worker.socket_path, "--checkpoint", worker.checkpoint_path),
            *("--ports", f"{worker.first_port}-{worker.last_port}"),
            *("--country", worker.tone_country),
            *("--prompts", *worker.prompt_directories),
        ),
        standby_input=msgspec.json.encode(worker).decode(),
    )


def product_children(settings: Settings, layout: Layout) -> list[ChildSpec]:
    """Return the processes beside the media workers, in the order of their start."""
    names = ("voice", "exchange", *(("edge",) if settings.api.is_enabled else ()))
    return [
        ChildSpec(
            name=name, arguments=("-m", _PROCESS, name, "--config", str(layout.settings_file))
        )
        for name in names
    ]


async def start_product(supervisor: Supervisor, settings: Settings, layout: Layout) -> None:
    """Write the settings for the processes and start them all.

    Raises:
        ChildFailed: one did not become ready.
    """
    layout.run_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    layout.data_dir.mkdir(parents=True, exist_ok=True, mode=0o750)
    layout.settings_file.touch(mode=0o600)
    layout.settings_file.write_bytes(msgspec.json.encode(settings))
    for spec in [*media_children(settings, layout), *product_children(settings, layout)]:
        await supervisor.start(spec)
    if settings.process.has_standby:
        prompts = prompt_directories(settings.media, layout.spoken)
        await supervisor.keep_standby(("-m", _WORKER, "--standby", "--prompts", *prompts))
