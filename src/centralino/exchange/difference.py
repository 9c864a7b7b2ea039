# SPDX-License-Identifier: Apache-2.0
"""What a new configuration of a tenant would change, in lines for people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from centralino.core.routing.configuration import TenantConfiguration

_LISTS = {"numbers": "number", "queues": "id", "agents": "id", "phones": "user"}
_SINGULAR = {"numbers": "number", "queues": "queue", "agents": "agent", "phones": "phone"}


def difference(before: TenantConfiguration | None, after: TenantConfiguration) -> tuple[str, ...]:
    """Return one line per thing that is new (``+``), gone (``-``) or other (``~``)."""
    old: dict[str, Any] = {} if before is None else msgspec.to_builtins(before)
    new: dict[str, Any] = msgspec.to_builtins(after)
    lines: list[str] = []
    if before is None:
        lines.append(f"+ tenant {after.tenant}")
    for part, key in _LISTS.items():
        lines += _listed(_SINGULAR[part], _by(old.get(part, ()), key), _by(new[part], key))
    old_catalogue, new_catalogue = old.get("catalogue", {}), new["catalogue"]
    for part, name in (("calendars", "calendar"), ("directory", "person")):
        known = _by(old_catalogue.get(part, ()), "name")
        lines += _listed(name, known, _by(new_catalogue[part], "name"))
    lines += _named("prompt", old_catalogue.get("prompts", {}), new_catalogue["prompts"])
    lines += _named("flow", _flows(before), _flows(after))
    skipped = {*_LISTS, "catalogue", "flows", "tenant", "is_applied"}
    for field, value in new.items():
        if field not in skipped and before is not None and old.get(field) != value:
            lines.append(f"~ {field}: {old.get(field)} -> {value}")
    if old_catalogue.get("operator") != new_catalogue["operator"]:
        lines.append(f"~ operator: {_person(old_catalogue)} -> {_person(new_catalogue)}")
    return tuple(lines)


def _flows(configuration: TenantConfiguration | None) -> dict[str, Any]:
    if configuration is None:
        return {}
    names = {one.flow.flow for one in configuration.catalogue.flows}
    newest = {name: configuration.catalogue.newest(name) for name in names}
    return {name: None if one is None else one.flow for name, one in newest.items()}


def _person(catalogue: dict[str, Any]) -> str:
    operator = catalogue.get("operator") or {}
    return operator.get("user") or operator.get("number") or "nobody"


def _by(items: Iterable[dict[str, Any]], key: str) -> dict[str, dict[str, Any]]:
    return {item[key]: item for item in items}


def _listed(
    what: str, old: dict[str, dict[str, Any]], new: dict[str, dict[str, Any]]
) -> Iterator[str]:
    for name in sorted({*old, *new}):
        if name not in old:
            yield f"+ {what} {name}"
        elif name not in new:
            yield f"- {what} {name}"
        else:
            for field in sorted({*old[name], *new[name]}):
                before, after = old[name].get(field), new[name].get(field)
                if before != after:
                    yield f"~ {what} {name}: {field} {_short(before)} -> {_short(after)}"


def _named(what: str, old: dict[str, Any], new: dict[str, Any]) -> Iterator[str]:
    for name in sorted({*old, *new}):
        if name not in old:
            yield f"+ {what} {name}"
        elif name not in new:
            yield f"- {what} {name}"
        elif old[name] != new[name]:
            yield f"~ {what} {name}"


def _short(value: object) -> str:
    if isinstance(value, list | tuple):
        return "[" + ", ".join(str(one) for one in value) + "]"
    return str(value)
