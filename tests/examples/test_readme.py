"""examples/README.md: every step is there, its commands exist, and what it shows is what comes out."""

import io
import json
import re
import shlex
import sys
from pathlib import Path

import pytest
import typer
from oracle.builders import REPOSITORY
from rich.console import Console
from typer.core import TyperGroup

from trading_platform.cli.app import app
from trading_platform.config.load import load_config, parse_override
from trading_platform.report.result import print_result
from trading_platform.strategies.compiled import CompiledStrategy
from trading_platform.strategies.registry import load_strategy

from .ladder import CONFIGS, README, STEPS, Runs, script

TEXT = README.read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## (\d\d) .*?\n(.*?)(?=^## |\Z)", TEXT, re.MULTILINE | re.DOTALL))
COMMANDS = [
    line for block in re.findall(r"```bash\n(.*?)```", TEXT, re.DOTALL) for line in block.splitlines() if line
]


def blocks(step: str, language: str) -> list[str]:
    return [
        line
        for block in re.findall(rf"```{language}\n(.*?)```", SECTIONS[step], re.DOTALL)
        for line in block.splitlines()
    ]


@pytest.mark.parametrize("step", STEPS)
def test_every_step_has_a_section_with_a_command_of_its_own_and_a_line_in_the_table(step: str) -> None:
    assert any(f"examples/ladder/{step}/" in command for command in blocks(step[:2], "bash"))
    assert re.search(rf"^\| {step[:2]} \| .* \(?.*ladder/{step}/", TEXT, re.MULTILINE)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_exists_with_its_options_and_files(command: str) -> None:
    program, *arguments = shlex.split(command)
    for argument in arguments:
        if argument.startswith("examples/"):
            assert (REPOSITORY / argument).is_file()
    if program == "python":
        assert arguments[0].endswith(".py")
        return
    assert program == "trading-platform"
    found = typer.main.get_command(app)
    while isinstance(found, TyperGroup):
        assert arguments[0] in found.commands
        found = found.commands[arguments.pop(0)]
    found.make_context(program, arguments)  # raises for an option or argument that there is not


def test_links_lead_to_files() -> None:
    links = re.findall(r"\]\(([^)]+)\)", TEXT)

    assert len(links) >= len(STEPS)
    assert [link for link in links if not (README.parent / link).is_file()] == []


def output(runs: Runs, step: str) -> set[str]:
    """Return the lines that the step's runs print, blanks made even."""
    file = io.StringIO()
    for command in blocks(step, "bash"):
        if command.startswith("trading-platform run "):
            _, is_set, override = command.partition(" --set ")
            done = runs.get(step, *(parse_override(override) if is_set else ()))
            print_result(done.record["summary"], Console(file=file, width=200))
    return {plain(line) for line in file.getvalue().splitlines()}


def plain(line: str) -> str:
    return " ".join(line.strip("│ ").split())


@pytest.mark.parametrize("step", [step for step in CONFIGS if step != "10"])
def test_the_output_shown_is_the_output_of_the_run(runs: Runs, step: str) -> None:
    shown = blocks(step, "text")

    assert shown
    assert [line for line in shown if plain(line) not in output(runs, step)] == []


def test_the_output_shown_of_read_log_is_what_the_script_prints(
    runs: Runs, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["read_log.py", str(runs.get("04").directory)])
    script("09_read_the_log/read_log.py").main()
    printed = {plain(line) for line in capsys.readouterr().out.splitlines()}

    assert {"denials", "waits", "time to ack", "fill ratio", "position over time"} <= printed
    assert [line for line in blocks("09", "text") if plain(line) not in printed] == []


@pytest.mark.parametrize("path", CONFIGS.values(), ids=lambda path: path.stem)
def test_every_config_names_the_schema_for_editors(path: Path) -> None:
    schema = path.parent / json.loads(path.read_text(encoding="utf-8"))["$schema"]

    assert schema.resolve() == REPOSITORY / "trading_platform" / "core" / "schemas" / "config.schema.json"


@pytest.mark.parametrize("path", CONFIGS.values(), ids=lambda path: path.stem)
def test_every_strategy_and_each_of_its_parameters_is_described(path: Path) -> None:
    class_path = load_config(path).strategy.class_path
    strategy = load_strategy(class_path, path.parent)
    if isinstance(strategy, CompiledStrategy):
        module, name = class_path.split(":")
        doc = getattr(sys.modules[module], f"_body_{name}").__doc__
    else:
        doc = strategy.__doc__

    assert doc
    assert doc.splitlines()[0].endswith(".")
    assert all(field.description for field in strategy.Params.model_fields.values())
