# SPDX-License-Identifier: Apache-2.0
"""Write what is made from the code, or say what of it is out of date.

``python -m tools.generate`` writes; ``--check`` writes nothing and exits 1 when a committed
file is not what the code would make.
"""

from __future__ import annotations

import sys
from pathlib import Path

from centralino.bootstrap.sample import sample_text
from tools.pages import api, capabilities, certification, commands, events, lifecycles, settings

PAGES = (api, capabilities, certification, commands, events, lifecycles, settings)
ROOT = Path(__file__).resolve().parents[1]
_NOTICE = "<!-- Made by `make docs` from the code; edit that. -->\n"


def main(arguments: list[str]) -> int:
    """Write or check every page and return the exit code."""
    if arguments not in ([], ["--check"]):
        print("usage: python -m tools.generate [--check]", file=sys.stderr)
        return 2
    stale = []
    for name, text in outputs().items():
        path = ROOT / name
        if arguments:
            if not path.is_file() or path.read_text(encoding="utf-8") != text:
                stale.append(name)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    for name in stale:
        print(f"{name} is out of date: run `make docs` and commit the result")
    return 1 if stale else 0


def outputs() -> dict[str, str]:
    """Return what is made from the code: path below the repository to content."""
    pages = {f"docs/{page.PATH}": _NOTICE + page.render() for page in PAGES}
    document = api.document().decode()
    return {**pages, f"docs/{api.DOCUMENT}": document, "config.sample.yaml": sample_text()}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
