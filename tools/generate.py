# SPDX-License-Identifier: Apache-2.0
"""Write the pages that are made from the code, or say which of them are out of date.

``python -m tools.generate`` writes; ``--check`` writes nothing and exits 1 when a committed
page is not what the code would make.
"""

from __future__ import annotations

import sys
from pathlib import Path

from tools.pages import capabilities, commands, events, lifecycles, settings

PAGES = (capabilities, commands, events, lifecycles, settings)
DOCS = Path(__file__).resolve().parents[1] / "docs"
_NOTICE = "<!-- Made by `make docs` from the code; edit that. -->\n"


def main(arguments: list[str]) -> int:
    """Write or check every page and return the exit code."""
    if arguments not in ([], ["--check"]):
        print("usage: python -m tools.generate [--check]", file=sys.stderr)
        return 2
    stale = []
    for page in PAGES:
        path, text = DOCS / page.PATH, _NOTICE + page.render()
        if arguments:
            if not path.is_file() or path.read_text(encoding="utf-8") != text:
                stale.append(page.PATH)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    for name in stale:
        print(f"docs/{name} is out of date: run `make docs` and commit the result")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
