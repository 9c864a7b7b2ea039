# SPDX-License-Identifier: Apache-2.0
"""Settings: sources, refusals with a place and a hint, and the sample."""

from __future__ import annotations

from pathlib import Path

import pytest

from centralino.bootstrap.sample import example_settings, sample_text
from centralino.bootstrap.sources import load_settings
from centralino.core.kernel.errors import ConfigError

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[3]


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    path = tmp_path / "config.yaml"
    path.write_text(sample_text(), encoding="utf-8")
    return path


def test_the_sample_is_what_it_says(sample: Path) -> None:
    assert load_settings(sample, {}) == example_settings()


def test_the_committed_sample_is_up_to_date() -> None:
    committed = (ROOT / "config.sample.yaml").read_text(encoding="utf-8")
    assert committed == sample_text(), (
        "run: python -m centralino.bootstrap.sample > config.sample.yaml"
    )


def test_the_environment_wins_over_the_file(sample: Path) -> None:
    environment = {
        "CENTRALINO__media__workers": "3",
        "CENTRALINO__voice__listeners__1__port": "5071",
        "CENTRALINO__data_dir": "/elsewhere",
        "HOME": "/root",
    }
    settings = load_settings(sample, environment)
    assert settings.media.worker_count() == 3
    assert settings.voice.listeners[1].port == 5071
    assert settings.data_dir == "/elsewhere"


@pytest.mark.parametrize(
    ("name", "value", "path", "hint"),
    [
        ("CENTRALINO__media__worker", "3", "media.worker", "did you mean workers?"),
        (
            "CENTRALINO__voice__trunks__0__contact_hosts",
            "x",
            "voice.trunks[0].contact_hosts",
            "did you mean contact_host?",
        ),
        ("CENTRALINO__tenants__0__nume", "x", "tenants[0].nume", "did you mean name?"),
    ],
)
def test_an_unknown_key_is_refused_with_its_place_and_a_hint(
    sample: Path, name: str, value: str, path: str, hint: str
) -> None:
    with pytest.raises(ConfigError) as refused:
        load_settings(sample, {name: value})
    assert (refused.value.path, refused.value.hint) == (path, hint)


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("CENTRALINO__media__first_port", "70000", "media.first_port: .*<= 65535"),
        ("CENTRALINO__voice__trunks__0__srtp", '"off"', "Direct Routing takes SRTP only"),
        ("CENTRALINO__voice__listeners__9__port", "1", "no place voice.listeners.9.port"),
        ("CENTRALINO__log__level", "loud", "log.level"),
    ],
)
def test_a_wrong_value_is_refused_with_its_place(
    sample: Path, name: str, value: str, text: str
) -> None:
    with pytest.raises(ConfigError, match=text):
        load_settings(sample, {name: value})


def test_a_missing_setting_is_named_and_where_all_stand() -> None:
    with pytest.raises(ConfigError) as refused:
        load_settings(None, {})
    assert refused.value.path == "tenants"
    assert "config.sample.yaml" in refused.value.hint


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.yaml: No such file"):
        load_settings(tmp_path / "nowhere.yaml", {})
