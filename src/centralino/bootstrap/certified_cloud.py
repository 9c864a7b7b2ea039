# SPDX-License-Identifier: Apache-2.0
"""The product as cloud certification runs it: its real processes, supervised, no trunks."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from centralino.adapters.clock import SystemClock
from centralino.adapters.entra.access import bind_account
from centralino.adapters.voice.settings import VoiceSettings
from centralino.api.settings import ApiSettings
from centralino.bootstrap.certified_product import CertifiedProcesses
from centralino.bootstrap.layout import Layout
from centralino.bootstrap.logs import set_up_logging
from centralino.bootstrap.settings import LogSettings, MediaSettings, ProcessSettings, Settings
from centralino.certification.cloud import stage
from centralino.certification.cloud.lab import CloudOptions
from centralino.certification.cloud.runner import run_cloud_plan

if TYPE_CHECKING:
    from centralino.certification.cases import Progress
    from centralino.certification.cloud.plan import CloudCase, CloudPlan
    from centralino.certification.cloud.product import CloudWish
    from centralino.certification.result import PlanResult

_MEDIA_PORTS = (31_000, 31_099)


class SupervisedCloudProduct(CertifiedProcesses):
    """Implements ``CloudProductPort``; start and stop in the same task."""

    def pid(self, process: str) -> int | None:
        """Return the number of a process that runs now."""
        return self.numbers().get(process)

    async def start(self, wish: CloudWish) -> None:
        """Start every process.

        Raises:
            ChildFailed: one did not become ready.
        """
        settings = Settings(
            data_dir=str(wish.folder),
            run_dir=str(wish.run_dir),
            tenants=(wish.tenant,),
            voice=VoiceSettings(
                listeners=(),
                trunks=(),
                data_dir=str(wish.folder / "voice"),
                run_dir=str(wish.run_dir),
                recording_dir=str(wish.folder / "recordings"),
            ),
            media=MediaSettings(workers=1, first_port=_MEDIA_PORTS[0], last_port=_MEDIA_PORTS[1]),
            process=ProcessSettings(has_standby=False),
            api=ApiSettings(port=wish.api_port),
            entra=wish.entra,
            graph=wish.graph,
            log=LogSettings(to_files=True),
        )
        layout = Layout.of(settings)
        for account, refresh_token in wish.accounts:
            bind_account(layout.accounts, stage.DIRECTORY, account, refresh_token)
        await self.run(settings, layout)


@dataclass(frozen=True, slots=True)
class CloudCertification:
    """What is to be certified."""

    plan: CloudPlan
    cases: tuple[str, ...] = ()
    """Ids; empty: all."""
    log_dir: Path | None = None
    """Where the product's logs are kept; ``None``: nowhere."""


async def run_cloud_certification(
    wanted: CloudCertification, progress: Progress[CloudCase]
) -> PlanResult:
    """Run cases in a temporary folder that is gone afterwards.

    Raises:
        ChildFailed: a process of the product did not start.
    """
    folder = Path(tempfile.mkdtemp(prefix="centralino-certify-"))
    product = SupervisedCloudProduct()
    try:
        with (folder / "certify.log").open("w", encoding="utf-8") as log_file:
            set_up_logging(LogSettings(level="warning"), "certify", log_file)
            options = CloudOptions(folder=folder / "data", run_dir=folder / "run")
            return await run_cloud_plan(
                wanted.plan, wanted.cases, options, product, SystemClock(), progress
            )
    finally:
        if wanted.log_dir is not None and product.logs.is_dir():
            shutil.copytree(product.logs, wanted.log_dir, dirs_exist_ok=True)
        shutil.rmtree(folder, ignore_errors=True)
