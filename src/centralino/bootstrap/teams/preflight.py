# SPDX-License-Identifier: Apache-2.0
"""Judges a tenant's settings: what breaks which of our features, and how it is mended.

The settings come as JSON, ``{"name": value}``: written by ``settings.ps1`` in a real tenant, or
read from the simulated tenant. A setting that nobody could read is named as unknown, never as
good. Rules stand in ``preflight.yaml``. Sources: the cmdlets named there; "Plan for Teams auto
attendants and call queues"; the pitfalls W31 to W49.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib import resources
from typing import Literal

import msgspec

from centralino.core.kernel.errors import ConfigError

Value = bool | int | str | list[str] | None


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"needed_by": "for"}):
    """What one setting must be."""

    name: str
    needed_by: str
    """Features and models, separated by commas."""
    mend: str
    read: str = ""
    """PowerShell that finds the value; empty: nobody can but a person."""
    severity: Literal["breaks", "hint"] = "breaks"
    wanted: bool | str | None = msgspec.field(default=None, name="is")
    one_of: tuple[str, ...] = ()
    at_least: int | None = None
    at_most: int | None = None
    at_least_one: bool = False

    def holds(self, value: Value) -> bool:
        """Tell whether a value is as it must be; a value of another type never is."""
        if self.wanted is not None:
            return type(value) is type(self.wanted) and value == self.wanted
        if self.one_of:
            return isinstance(value, str) and value in self.one_of
        if self.at_least_one:
            return isinstance(value, list) and bool(value)
        if not isinstance(value, int) or isinstance(value, bool):
            return False
        is_enough = self.at_least is None or value >= self.at_least
        return is_enough and (self.at_most is None or value <= self.at_most)

    @property
    def features(self) -> frozenset[str]:
        """Who needs it."""
        return frozenset(part.strip() for part in self.needed_by.split(","))


class Verdict(StrEnum):
    """What became of one check."""

    GOOD = "good"
    BROKEN = "broken"
    HINT = "hint"
    """It works, but not as well as it could."""
    UNKNOWN = "unknown"
    """Nobody could read it."""


@dataclass(frozen=True, slots=True)
class Checked:
    """One setting, judged."""

    rule: Rule
    value: Value
    verdict: Verdict


@cache
def rules() -> tuple[Rule, ...]:
    """Return all rules."""
    data = resources.files(__package__).joinpath("preflight.yaml").read_bytes()
    return msgspec.yaml.decode(data, type=tuple[Rule, ...])


def judge(settings: Mapping[str, Value], features: Iterable[str] = ()) -> Sequence[Checked]:
    """Judge a tenant for the features that are wanted; for all of them when none is named."""
    wanted = frozenset(features)
    return tuple(
        _judge_one(rule, settings) for rule in rules() if not wanted or wanted & rule.features
    )


def _judge_one(rule: Rule, settings: Mapping[str, Value]) -> Checked:
    value = settings.get(rule.name)
    if value is None:
        return Checked(rule, None, Verdict.UNKNOWN)
    if rule.holds(value):
        return Checked(rule, value, Verdict.GOOD)
    return Checked(rule, value, Verdict.BROKEN if rule.severity == "breaks" else Verdict.HINT)


def read_settings(data: bytes, source: str) -> dict[str, Value]:
    """Return settings from JSON.

    Raises:
        ConfigError: it is something else.
    """
    try:
        return msgspec.json.decode(data, type=dict[str, Value])
    except msgspec.DecodeError as error:
        hint = "settings.ps1 of `centralino teams provision` writes such a file"
        raise ConfigError(source, f"these are no tenant settings: {error}", hint) from error


def settings_script() -> str:
    """Return the PowerShell that reads a tenant's settings into JSON; it changes nothing."""
    lines = [
        "#Requires -Version 5.1",
        "#Requires -Modules @{ ModuleName = 'MicrosoftTeams'; ModuleVersion = '5.3.1' }",
        "# Reads the settings that `centralino doctor --tenant FILE` judges; changes nothing.",
        "# What cannot be read here stays null: look at it by hand and put it into the file.",
        "[CmdletBinding()]",
        "param([string] $Path = 'tenant-settings.json')",
        "function Read-Setting {",
        "    param([string] $Name, [scriptblock] $Read)",
        "    try { $settings[$Name] = & $Read }",
        '    catch { $settings[$Name] = $null; Write-Warning "$Name cannot be read: $_" }',
        "}",
        "$settings = [ordered]@{}",
    ]
    for rule in rules():
        if rule.read:
            lines.append(f"Read-Setting '{rule.name}' {{ {rule.read} }}")
        else:
            lines.append(f"$settings['{rule.name}'] = $null")
    lines.append("$settings | ConvertTo-Json -Depth 3 | Out-File -FilePath $Path -Encoding utf8")
    return "\n".join(lines) + "\n"
