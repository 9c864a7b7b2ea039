# SPDX-License-Identifier: Apache-2.0
"""``centralino doctor``: each check with its cause and its cure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import msgspec

from centralino.bootstrap.examination import examine
from centralino.bootstrap.finding import Finding
from centralino.bootstrap.teams.examination import examine_tenant


def run(
    config: Path | None, tenant: str | None, features: Sequence[str], json_file: Path | None
) -> int:
    """Examine a configuration, this machine and a tenant; return 0 when nothing is wrong."""
    findings: list[Finding] = []
    if config is not None:
        findings += examine(config)
    if tenant is not None:
        findings += examine_tenant(tenant, features)
    for finding in findings:
        mark = "ok  " if finding.is_good else "FAIL"
        print(f"{mark} {finding.check}: {finding.text}")
        if finding.cure:
            print(f"     {finding.cure}")
    if json_file is not None:
        text = json.dumps([msgspec.to_builtins(finding) for finding in findings])
        json_file.write_text(text + "\n", encoding="utf-8")
    return 0 if all(finding.is_good for finding in findings) else 1
