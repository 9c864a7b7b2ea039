# SPDX-License-Identifier: Apache-2.0
"""The product as certification runs it: its real processes, supervised, in a folder of a run."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from centralino.adapters.clock import SystemClock
from centralino.api.settings import ApiSettings
from centralino.bootstrap.certified_product import CertifiedProcesses
from centralino.bootstrap.layout import Layout
from centralino.bootstrap.logs import set_up_logging
from centralino.bootstrap.settings import LogSettings, MediaSettings, ProcessSettings, Settings
from centralino.certification.lab import LabOptions
from centralino.certification.runner import run_plan

if TYPE_CHECKING:
    from centralino.certification.cases import Progress
    from centralino.certification.defects import Defect
    from centralino.certification.pace import Pace
    from centralino.certification.plan import Case, Plan, Profile
    from centralino.certification.product import Wish
    from centralino.certification.result import PlanResult


class SupervisedProduct(CertifiedProcesses):
    """Implements ``ProductPort``; start and stop in the same task."""

    def pids(self) -> tuple[int, ...]:
        """Return the numbers of the processes that run now."""
        return tuple(self.numbers().values())

    async def start(self, wish: Wish) -> None:
        """Start every process.

        Raises:
            ChildFailed: one did not become ready.
            ConfigError: the run directory is too long for sockets.
        """
        settings = Settings(
            data_dir=str(wish.folder),
            run_dir=str(wish.run_dir),
            tenants=(wish.tenant,),
            voice=wish.voice,
            calls=wish.calls,
            media=MediaSettings(
                workers=1,
                first_port=wish.media_ports.start,
                last_port=wish.media_ports.stop - 1,
            ),
            process=ProcessSettings(has_standby=False),
            api=ApiSettings(is_enabled=False),
            log=LogSettings(to_files=True),
        )
        await self.run(settings, Layout.of(settings))


@dataclass(frozen=True, slots=True)
class Certification:
    """What is to be certified, and how."""

    plan: Plan
    cases: tuple[str, ...]
    """Ids; empty: all."""
    profile: Profile
    pace: Pace
    defects: tuple[Defect, ...] = ()
    log_dir: Path | None = None
    """Where the product's logs are kept; ``None``: nowhere."""


async def run_certification(wanted: Certification, progress: Progress[Case]) -> PlanResult:
    """Run cases in a temporary folder that is gone afterwards.

    Raises:
        ChildFailed: a process of the product did not start.
    """
    folder = Path(tempfile.mkdtemp(prefix="centralino-certify-"))
    try:
        with (folder / "certify.log").open("w", encoding="utf-8") as log_file:
            set_up_logging(LogSettings(level="warning"), "certify", log_file)
            options = LabOptions(
                folder=folder / "data",
                run_dir=folder / "run",
                pace=wanted.pace,
                profile=wanted.profile,
                defects=wanted.defects,
            )
            product = SupervisedProduct()
            result = await run_plan(
                wanted.plan, wanted.cases, options, product, SystemClock(), progress
            )
        if wanted.log_dir is not None and product.logs.is_dir():
            shutil.copytree(product.logs, wanted.log_dir, dirs_exist_ok=True)
        return result
    finally:
        shutil.rmtree(folder, ignore_errors=True)
