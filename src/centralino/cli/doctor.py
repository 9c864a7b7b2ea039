# SPDX-License-Identifier: Apache-2.0
"""``centralino doctor``: each check with its cause and its cure."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec

from centralino.bootstrap.examination import examine


def run(config: Path, json_file: Path | None) -> int:
    """Examine a configuration and this machine; return 0 when nothing is wrong."""
    findings = examine(config)
    for finding in findings:
        mark = "ok  " if finding.is_good else "FAIL"
        print(f"{mark} {finding.check}: {finding.text}")
        if finding.cure:
            print(f"     {finding.cure}")
    if json_file is not None:
        text = json.dumps([msgspec.to_builtins(finding) for finding in findings])
        json_file.write_text(text + "\n", encoding="utf-8")
    return 0 if all(finding.is_good for finding in findings) else 1
