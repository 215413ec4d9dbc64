"""The application as a whole: every command explains itself, starts fast, and answers machines."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from trading_platform import __version__
from trading_platform.cli.app import app
from trading_platform.cli.common import JsonOption

HEAVY = (
    "hftbacktest",
    "llvmlite",
    "numba",
    "numpy",
    "polars",
    "pydantic",
    "structlog",
    "rich.progress",
)


def commands(group: typer.Typer, prefix: str = "") -> Iterator[tuple[str, typer.models.CommandInfo]]:
    """Yield the full name of every command."""
    for command in group.registered_commands:
        yield f"{prefix}{command.name}", command
    for inner in group.registered_groups:
        assert inner.typer_instance is not None
        yield from commands(inner.typer_instance, f"{prefix}{inner.name} ")


COMMANDS = dict(commands(app))


def tool(*arguments: str, code: int = 0) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "trading_platform.cli", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stderr
    return done.stdout + done.stderr


@pytest.mark.parametrize("name", COMMANDS)
def test_help_of_every_command_has_a_worked_example(name: str) -> None:
    text = COMMANDS[name].callback.__doc__ or ""
    assert f"Example: trading-platform {name}" in text


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_can_answer_in_json(name: str) -> None:
    assert COMMANDS[name].callback.__annotations__["as_json"] is JsonOption


def test_help_loads_nothing_heavy() -> None:
    """Seconds of imports would be paid for every completion and every mistyped option."""
    code = (
        "import sys\n"
        "sys.argv = ['trading-platform', '--help']\n"
        "from trading_platform.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        f"loaded = [name for name in {HEAVY!r} if name in sys.modules]\n"
        "sys.exit(f'loaded: {loaded}' if loaded else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "trading-platform run --config" in done.stdout


def test_version_is_printed() -> None:
    assert tool("--version") == f"trading-platform {__version__}\n"


def test_unknown_command_is_bad_input_and_names_the_near_one() -> None:
    assert "verify" in tool("verfy", code=2)


def complete(instruction: str, words: str = "", position: int = 0) -> str:
    environment = {
        "_TRADING_PLATFORM_COMPLETE": instruction,
        "COMP_WORDS": words,
        "COMP_CWORD": str(position),
        "PATH": os.environ["PATH"],
    }
    code = "from trading_platform.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shell_completion_is_there(shell: str) -> None:
    assert "complete_" + shell in complete(f"source_{shell}")


def test_completion_offers_the_commands() -> None:
    assert complete("complete_bash", "trading-platform ver", 1).split() == ["verify"]


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", ">&- 2>&- <&-"])
def test_closed_standard_streams_do_not_stop_a_command(closed: str, tmp_path: Path) -> None:
    out = tmp_path / "market.npz"
    command = f"{sys.executable} -m trading_platform.cli data synth --out {out} --seconds 1 {closed}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)

    assert done.returncode == 0
    assert "Traceback" not in done.stderr
    assert out.is_file()


def test_a_run_without_standard_streams_is_a_run(tmp_path: Path) -> None:
    config = Path(__file__).parents[2] / "examples/local/local.json"
    options = f"--config {config} --set engine.max_wakeups=10 --set output.directory={tmp_path}"
    command = f"{sys.executable} -m trading_platform.cli run {options} <&- >&- 2>&-"
    done = subprocess.run(["bash", "-c", command], check=False)

    assert done.returncode == 0
    (record,) = tmp_path.rglob("run.json")
    assert json.loads(record.read_text())["status"] == "done"


def test_a_full_disk_is_one_line() -> None:
    command = f"{sys.executable} -m trading_platform.cli schema config > /dev/full"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert "No space left on device" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_directory_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    said = tool("schema", "config", "--out", str(tmp_path / "nowhere" / "schema.json"), code=2)

    assert "nowhere" in said
