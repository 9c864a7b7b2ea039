# SPDX-License-Identifier: Apache-2.0
"""Run every rule over the repository; exit 1 when one finds something.

``--sizes`` lists instead the places that are over their aim, which fails nothing.
"""

from __future__ import annotations

import sys
from pathlib import Path

from tools.lints import (
    architecture,
    explanations,
    headers,
    logs,
    names,
    places,
    sizes,
    sleeps,
    suppressions,
)
from tools.lints.repository import Repository

RULES = (
    architecture,
    explanations,
    headers,
    logs,
    names,
    places,
    sizes,
    sleeps,
    suppressions,
)


def main(arguments: list[str]) -> int:
    """Print the findings and return the exit code."""
    repository = Repository(Path(__file__).resolve().parents[2])
    if arguments == ["--sizes"]:
        for finding in sorted(sizes.report(repository)):
            print(finding)
        return 0
    if arguments:
        print("usage: python -m tools.lints [--sizes]", file=sys.stderr)
        return 2
    findings = sorted(finding for rule in RULES for finding in rule.check(repository))
    for finding in findings:
        print(finding)
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
