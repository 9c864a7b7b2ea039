# SPDX-License-Identifier: Apache-2.0
"""The page of lifecycles: each drawn, and each listed row by row."""

from __future__ import annotations

from tools.diagrams import Diagram, diagrams

PATH = "reference/lifecycles.md"

_INTRODUCTION = """\
# Lifecycles

Everything that lives through states has one table in one file; an unlisted transition raises.
This page is made from those tables. The drawings are Mermaid, which many viewers of Markdown
render; the table below each one says the same.
"""


def render() -> str:
    """Return the page."""
    return "\n".join([_INTRODUCTION, *map(_section, diagrams())])


def _section(diagram: Diagram) -> str:
    terminal = ", ".join(f"`{state}`" for state in diagram.terminal) or "none"
    return f"""\
## {diagram.name}

{diagram.about} Module `{diagram.module}`. Begins in `{diagram.initial}`; never left: {terminal}.

```mermaid
{diagram.mermaid()}
```

{diagram.table()}
"""
