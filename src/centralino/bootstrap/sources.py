# SPDX-License-Identifier: Apache-2.0
"""Where settings come from: defaults, then a YAML file, then the environment.

``CENTRALINO__media__workers=2`` overrides ``media: {workers: ...}``; values are read as
YAML, list items by their number (``CENTRALINO__voice__listeners__0__port=5062``). An
unknown key is an error that says where it is and what was probably meant.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import yaml

from centralino.bootstrap.settings import Settings
from centralino.core.kernel.errors import AppError, ConfigError

PREFIX = "CENTRALINO__"
_MISSING = re.compile(r"Object missing required field `(\w+)`")

Tree = TypeVar("Tree")


def load_settings(path: Path | None, environment: Mapping[str, str]) -> Settings:
    """Return the settings of a file (if any) and the environment.

    Raises:
        ConfigError: a key or value is wrong; path and hint say how to mend it.
    """
    data: Any = {}
    if path is not None:
        try:
            data = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        except OSError as error:
            raise ConfigError(str(path), error.strerror or str(error)) from error
        except yaml.YAMLError as error:
            raise ConfigError(str(path), f"is no YAML: {error}") from error
    for name in sorted(environment):
        if name.startswith(PREFIX):
            _override(data, name, environment[name])
    return convert(data, Settings)


def convert(data: object, kind: type[Tree]) -> Tree:
    """Return plain data as a settings tree.

    Raises:
        ConfigError: an unknown key, a missing one, or a value out of range.
    """
    _require_known(data, msgspec.inspect.type_info(kind), "")
    try:
        return msgspec.convert(data, kind, strict=False)
    except msgspec.ValidationError as error:
        problem, _, place = str(error).partition(" - at `$")
        path = place.rstrip("`").lstrip(".")
        missing = _MISSING.fullmatch(problem)
        if missing is None:
            raise ConfigError(path or "settings", problem) from error
        path = f"{path}.{missing[1]}" if path else missing[1]
        raise ConfigError(path, "is missing", "config.sample.yaml shows every setting") from error
    except AppError as error:
        raise ConfigError("settings", error.message) from error


def _override(data: Any, name: str, text: str) -> None:  # noqa: ANN401 - any YAML
    keys = name.removeprefix(PREFIX).split("__")
    path = ".".join(keys)
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError(name, f"is no YAML value: {error}") from error
    place = data
    try:
        for key in keys[:-1]:
            if isinstance(place, list):
                place = place[int(key)]
            else:
                if place.get(key) is None:
                    place[key] = {}
                place = place[key]
        if isinstance(place, list):
            place[int(keys[-1])] = value
        else:
            place[keys[-1]] = value
    except (AttributeError, IndexError, TypeError, ValueError) as error:
        raise ConfigError(name, f"there is no place {path} in the settings") from error


def _require_known(data: object, kind: msgspec.inspect.Type, path: str) -> None:
    match kind:
        case msgspec.inspect.StructType() if isinstance(data, dict):
            fields = {field.encode_name: field.type for field in kind.fields}
            for key, value in data.items():
                where = f"{path}.{key}" if path else str(key)
                if key not in fields:
                    close = difflib.get_close_matches(str(key), fields, n=1)
                    hint = f"did you mean {close[0]}?" if close else f"known: {', '.join(fields)}"
                    raise ConfigError(where, "unknown key", hint)
                _require_known(value, fields[key], where)
        case msgspec.inspect.UnionType():
            for option in kind.types:
                if isinstance(option, msgspec.inspect.StructType):
                    _require_known(data, option, path)
        case msgspec.inspect.VarTupleType() if isinstance(data, list):
            for number, item in enumerate(data):
                _require_known(item, kind.item_type, f"{path}[{number}]")
        case _:
            pass
