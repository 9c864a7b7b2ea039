# SPDX-License-Identifier: Apache-2.0
"""Skills that a command asks for: what no agent has would keep somebody waiting for ever."""

from __future__ import annotations

from typing import TYPE_CHECKING

from centralino.core.agents.requirement import MOST_LEVEL
from centralino.core.kernel.errors import InvalidInput, NotFound

if TYPE_CHECKING:
    from collections.abc import Mapping

    from centralino.core.routing.turn import Turn


def require_skills(turn: Turn, skills: Mapping[str, int]) -> None:
    """Check that each skill is there and each level one that there can be.

    A level that nobody has now is legal: time may lower what is asked for.

    Raises:
        NotFound: no agent has a skill.
        InvalidInput: a level is not from 1 to 10.
    """
    for skill, level in skills.items():
        if skill not in turn.index.skills:
            raise NotFound(f"no agent has the skill {skill}", details={"skill": skill})
        if not 1 <= level <= MOST_LEVEL:
            raise InvalidInput(
                f"levels of {skill} are 1 to {MOST_LEVEL}", details={"path": f"skills.{skill}"}
            )
