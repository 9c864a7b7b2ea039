# SPDX-License-Identifier: Apache-2.0
"""``centralino flow``: exit codes, what it prints, what it writes, and the examples."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from centralino.cli.flow import app
from centralino.cli.flow_files import product_prompts
from centralino.core.kernel.errors import ConfigError

pytestmark = pytest.mark.unit

EXAMPLES = Path(__file__).parents[3] / "examples" / "flows"
FLOWS = sorted(path for path in EXAMPLES.glob("*.yaml") if "test" not in path.name)


def run(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, [str(one) for one in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.output


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the examples that may be broken."""
    return Path(shutil.copytree(EXAMPLES, tmp_path / "flows"))


def change(path: Path, before: str, after: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after, 1), encoding="utf-8")


@pytest.mark.parametrize("path", FLOWS, ids=lambda path: path.stem)
def test_the_examples_are_good_and_fully_rehearsed(path: Path) -> None:
    if path.stem == "company":
        return
    assert run("check", path)[0] == 0
    code, output = run("test", path, "--floor", 100)
    assert code == 0, output


def test_a_broken_flow_is_refused_with_line_and_reason(folder: Path, tmp_path: Path) -> None:
    main = folder / "main.yaml"
    change(main, '      "1": sales', '      "1": sale')
    report = tmp_path / "report.json"
    code, output = run("check", main, "--json", report)
    assert code == 1
    line = main.read_text(encoding="utf-8").splitlines().index('      "1": sale') + 1
    problem = "menu: keys.1: there is no node sale; perhaps sales"
    assert f"{main}:{line}: error: {problem}" in output
    (found,) = json.loads(report.read_text(encoding="utf-8"))["problems"]
    assert (found["line"], found["node"], found["is_error"]) == (line, "menu", True)
    assert run("test", main)[0] == 1


def test_a_file_that_is_not_there_is_wrong_usage(tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        run("check", tmp_path / "none.yaml")
    (tmp_path / "latin.yaml").write_bytes(b"flow: \xe9")
    with pytest.raises(ConfigError):
        run("check", tmp_path / "latin.yaml")


def test_a_disappointed_caller_fails_the_test(folder: Path, tmp_path: Path) -> None:
    script = folder / "support.test.yaml"
    change(script, "last: italian", "last: english")
    report = tmp_path / "report.json"
    code, output = run("test", folder / "support.yaml", "--json", report)
    assert code == 1
    assert "FAIL Italian when the caller speaks it" in output
    assert "should end in english, passed language > italian" in output
    found = json.loads(report.read_text(encoding="utf-8"))
    assert not found["passed"]
    assert found["coverage"]["taken"] == found["coverage"]["total"]


def test_branches_nobody_took_are_named_and_may_fail(folder: Path) -> None:
    script = folder / "support.test.yaml"
    change(script, "    language: it\n", "")
    change(script, "last: italian, hears: [music]", "last: english")
    code, output = run("test", folder / "support.yaml")
    assert code == 0
    assert "language  never: case-1" in output
    assert run("test", folder / "support.yaml", "--floor", 100)[0] == 1


def test_a_wrong_script_is_wrong_usage(folder: Path) -> None:
    change(folder / "support.test.yaml", "callers:", "caller:")
    with pytest.raises(ConfigError):
        run("test", folder / "support.yaml")


def test_a_wrong_company_is_refused(folder: Path) -> None:
    change(folder / "company.yaml", "zone: Europe/Rome", "zone: Europe/Roma")
    code, output = run("check", folder / "main.yaml")
    assert code == 1
    assert "there is no time zone 'Europe/Roma'" in output
    change(folder / "company.yaml", "queues:", "ques:")
    assert "there is no field ques here" in run("check", folder / "main.yaml")[1]


def test_a_number_whose_model_is_unknown_is_refused(folder: Path) -> None:
    change(folder / "company.yaml", "model: connect", "model: fax")
    code, output = run("check", folder / "main.yaml")
    assert code == 1
    assert "there is no model fax" in output


def test_without_a_company_the_flow_is_judged_for_itself(folder: Path) -> None:
    (folder / "company.yaml").unlink()
    code, output = run("check", folder / "support.yaml")
    assert code == 0
    assert "Names were not looked up" in output


def test_neighbours_that_are_wrong_or_have_the_same_name_are_told(folder: Path) -> None:
    change(folder / "support.yaml", "type: return", "type: retrun")
    code, output = run("check", folder / "main.yaml")
    assert code == 1
    assert "support.yaml is wrong itself" in output
    shutil.copy(folder / "main.yaml", folder / "again.yaml")
    assert "again.yaml has the name main as well" in run("check", folder / "main.yaml")[1]


@pytest.mark.parametrize(
    ("option", "name"), [("", "Flow"), ("--company", "Surroundings"), ("--script", "Script")]
)
def test_the_schemas(option: str, name: str) -> None:
    code, output = run("schema", *([option] if option else []))
    assert code == 0
    assert json.loads(output)["$ref"] == f"#/$defs/{name}"


def test_the_products_prompts_are_known() -> None:
    prompts = product_prompts()
    assert prompts["greeting"] == ("en", "it")
    assert prompts["music"] == ()


def test_the_flow_of_the_guide_is_good_and_fully_rehearsed(tmp_path: Path) -> None:
    guide = EXAMPLES.parents[1] / "docs" / "how-to" / "write-a-flow.md"
    flow, script = re.findall(r"```yaml\n(.*?)```", guide.read_text(encoding="utf-8"), re.DOTALL)
    (tmp_path / "hotline.yaml").write_text(flow, encoding="utf-8")
    (tmp_path / "hotline.test.yaml").write_text(script, encoding="utf-8")
    code, output = run("test", tmp_path / "hotline.yaml", "--floor", 100)
    assert code == 0, output


@pytest.mark.parametrize("arguments", [("schema", "--company", "--script")])
def test_only_one_schema_at_a_time(arguments: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError):
        run(*arguments)
