# SPDX-License-Identifier: Apache-2.0
"""Writes ``examples/demo/aurora.yaml``: the demo's settings, to be served by hand.

``python -m centralino.bootstrap.demo.example`` prints it.
"""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec

from centralino.bootstrap.authority import CertificateFiles
from centralino.bootstrap.demo.identity import Identity
from centralino.bootstrap.demo.wiring import demo_settings, usual_ports
from centralino.bootstrap.layout import Layout
from centralino.bootstrap.sample import settings_text
from centralino.bootstrap.settings import LogSettings

_HEAD = """\
# Aurora Outdoor, the company of the demo, served by hand. In two terminals:
#   centralino simulate
#   centralino serve --config examples/demo/aurora.yaml
# Made by `python -m centralino.bootstrap.demo.example`.
"""
_DATA = Path("centralino-data/demo")


def example_text() -> str:
    """Return the whole file."""
    certificates = _DATA / "certificates"
    sbc = CertificateFiles(
        certificates / "sbc.crt", certificates / "sbc.key", certificates / "root.crt"
    )
    layout = Layout(Path("centralino-data/served"), Path("centralino-data/run"))
    settings = demo_settings(layout, usual_ports(), sbc, Identity.below(_DATA))
    settings = msgspec.structs.replace(
        settings, run_dir=None, log=LogSettings(format="console", level="warning")
    )
    return settings_text(_HEAD, settings)


if __name__ == "__main__":
    sys.stdout.write(example_text())
