"""``strategy new``, ``ls`` and ``check``: from nothing to a strategy that runs, and what is told of a wrong one."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

import trading_platform
from trading_platform.record.run import read_run

from .calling import Command

SOURCES: Final = str(Path(trading_platform.__file__).parents[1])
PYTHON: Final = Path(sys.executable).parent
WRONG: Final = """
from trading_platform.strategies.base import Strategy


class Wrong(Strategy):
    \"\"\"Price in the wrong unit.\"\"\"

    def on_wakeup(self) -> None:
        self.view.quote(1, 0, self.view.bid_ticks() / 2, 10)
"""


def in_directory(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=folder,
        env=os.environ | {"PYTHONPATH": SOURCES, "MYPYPATH": SOURCES},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("form", [(), ("--compiled",)], ids=["interpreted", "compiled"])
def test_new_strategy_runs_passes_its_test_and_is_clean(
    tool: Command, tmp_path: Path, form: tuple[str, ...]
) -> None:
    """What is written works as it is: nothing has to be filled in, and no checker complains."""
    name = "quick_maker" if form else "slow_maker"
    made = tool("strategy", "new", name, "--dir", tmp_path / "mine", *form)
    assert made.code == 0, made.err
    assert f"wrote {tmp_path / 'mine' / name}.py" in made.out
    assert f"next: trading-platform run --config {tmp_path / 'mine' / name}.json" in made.out

    run = tool(
        "run", "--config", tmp_path / "mine" / f"{name}.json", "--set", "output.run_id=first", "--json"
    )
    assert run.code == 0, run.err
    assert run.json["summary"]["fills"]["count"] > 0
    assert read_run(tmp_path / "mine" / "runs" / "first")["status"] == "done"

    test = in_directory(tmp_path / "mine", sys.executable, "-m", "pytest", "-q", f"test_{name}.py")
    assert test.returncode == 0, test.stdout + test.stderr
    assert "2 passed" in test.stdout
    for command in (
        (
            "ruff",
            "check",
            "--isolated",
            "--select",
            "E,F,W,I,B,D,UP,SIM,RUF,PL",
            "--ignore",
            "D203,D213,D413",
        ),
        ("ruff", "format", "--isolated", "--check"),
        ("mypy", "--strict", "--follow-imports=silent", "--config-file="),
    ):
        tool_path = shutil.which(command[0], path=PYTHON) or command[0]
        files = (f"{name}.py", f"test_{name}.py")
        clean = in_directory(tmp_path / "mine", tool_path, *command[1:], *files)
        assert clean.returncode == 0, clean.stdout + clean.stderr


@pytest.mark.parametrize("line_length", ["88", "110"])
def test_new_strategy_keeps_its_format_with_any_name(tool: Command, tmp_path: Path, line_length: str) -> None:
    for name, *form in (("a",), ("b" * 30,), ("c", "--compiled"), ("d" * 30, "--compiled")):
        assert tool("strategy", "new", name, "--dir", tmp_path, *form).code == 0
    ruff = shutil.which("ruff", path=PYTHON) or "ruff"
    files = [path.name for path in tmp_path.glob("*.py")]
    options = ("--isolated", "--line-length", line_length)
    formatted = in_directory(tmp_path, ruff, "format", "--check", *options, *files)
    checked = in_directory(tmp_path, ruff, "check", *options, "--select", "E501", *files)

    assert formatted.returncode == 0, formatted.stdout
    assert checked.returncode == 0, checked.stdout


def test_new_as_json_names_what_it_wrote(tool: Command, tmp_path: Path) -> None:
    answer = tool("strategy", "new", "JsonMaker", "--dir", tmp_path, "--json")

    assert (answer.code, answer.err) == (0, "")
    assert answer.json["class_path"] == "json_maker:JsonMaker"
    assert sorted(answer.json["files"]) == sorted(map(str, tmp_path.iterdir()))
    assert answer.json["kept"] == []


def test_new_refuses_a_bad_name_and_an_existing_file(tool: Command, tmp_path: Path) -> None:
    bad = tool("strategy", "new", "my-maker", "--dir", tmp_path)
    assert tool("strategy", "new", "maker", "--dir", tmp_path).code == 0
    again = tool("strategy", "new", "maker", "--dir", tmp_path)

    assert (bad.code, bad.out) == (2, "")
    assert "write my_maker" in bad.err
    assert (again.code, again.out) == (2, "")
    assert "maker.py must not exist" in again.err


def test_ls_shows_shipped_and_own_strategies(tool: Command, tmp_path: Path) -> None:
    (tmp_path / "wrong_listed.py").write_text(WRONG)
    text = tool("strategy", "ls", "--dir", tmp_path)
    as_json = tool("strategy", "ls", "--dir", tmp_path, "--json")

    assert (text.code, as_json.code) == (0, 0)
    assert "trading_platform.strategies.touch_maker:touch_maker  compiled" in text.out
    assert "wrong_listed:Wrong  interpreted\n  Price in the wrong unit." in text.out
    assert "order_qty   quantity        required  quantity of each order" in text.out
    assert [one["class_path"] for one in as_json.json][-1] == "wrong_listed:Wrong"


def test_ls_of_no_directory_is_bad_input(tool: Command, tmp_path: Path) -> None:
    answer = tool("strategy", "ls", "--dir", tmp_path / "absent")

    assert (answer.code, answer.out) == (2, "")
    assert "--dir must be a directory" in answer.err


def test_check_tells_what_is_wrong_with_line_source_and_cure(
    tool: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "wrong_checked.py").write_text(WRONG)
    monkeypatch.chdir(tmp_path)
    options = ("--set", "engine.max_wakeups=50")
    text = tool("strategy", "check", "wrong_checked:Wrong", *options)
    as_json = tool("strategy", "check", "wrong_checked:Wrong", *options, "--json")

    assert (text.code, as_json.code) == (1, 1)
    assert "wrong_checked:Wrong  interpreted on a small synthetic market" in text.out
    assert "error: wrong_checked.py:9: price_ticks must be an int, was" in text.out
    assert "\n    self.view.quote(1, 0, self.view.bid_ticks() / 2, 10)\n  cure: divide with //" in text.out
    assert "next: trading-platform strategy check wrong_checked:Wrong" in text.out
    assert "Traceback" not in text.err
    (found,) = as_json.json
    assert set(found) == {"code", "severity", "file", "line", "text", "cure"}
    assert (found["code"], found["severity"], found["line"]) == ("float-intent", "error", 9)


def test_check_of_a_config_takes_strategy_and_parameters_from_it(tool: Command, tmp_path: Path) -> None:
    assert tool("strategy", "new", "checked_maker", "--dir", tmp_path).code == 0
    config = tmp_path / "checked_maker.json"
    answer = tool("strategy", "check", "--config", config, "--set", "engine.max_wakeups=50")

    assert answer.code == 0, answer.out + answer.err
    assert f"checked_maker:CheckedMaker  interpreted on the data of {config}" in answer.out
    assert "nothing found" in answer.out
    assert f"next: trading-platform run --config {config}" in answer.out


DERIVED: Final = """
from checked_maker_base import CheckedMakerBase


class Sub(CheckedMakerBase):
    \"\"\"The same, under another name.\"\"\"
"""


def test_next_command_is_about_the_same_strategy_with_the_same_options(tool: Command, tmp_path: Path) -> None:
    """Else what was checked is not what is run."""
    assert tool("strategy", "new", "checked_maker_base", "--dir", tmp_path).code == 0
    (tmp_path / "derived_checked.py").write_text(DERIVED)
    (tmp_path / "wrong_derived.py").write_text(WRONG)
    config = tmp_path / "checked_maker_base.json"
    options = ("--config", config, "--set", "engine.max_wakeups=50")
    sound = tool("strategy", "check", "derived_checked:Sub", *options)
    wrong = tool("strategy", "check", "wrong_derived:Wrong", *options, "--set", "strategy.params={}")
    run = sound.out.splitlines()[-1].removeprefix("next: trading-platform ").split()

    assert sound.code == 0, sound.out + sound.err
    assert run == [
        *("run", "--config", str(config), "--set", "strategy.class_path=derived_checked:Sub"),
        *("--set", "engine.max_wakeups=50"),
    ]
    assert tool(*run, "--set", "output.run_id=derived", "--json").code == 0
    recorded = read_run(tmp_path / "runs" / "derived")["config"]["strategy"]["class_path"]
    assert recorded == "derived_checked:Sub"
    assert wrong.code == 1, wrong.out + wrong.err
    assert wrong.out.splitlines()[-1] == (
        f"next: trading-platform strategy check wrong_derived:Wrong --config {config} "
        "--set engine.max_wakeups=50 --set 'strategy.params={}'  (after the cure)"
    )


@pytest.mark.parametrize("with_config", [False, True])
def test_check_refuses_two_names_of_the_strategy(tool: Command, tmp_path: Path, with_config: bool) -> None:
    assert tool("strategy", "new", "named_twice", "--dir", tmp_path).code == 0
    config = ("--config", tmp_path / "named_twice.json") if with_config else ()
    answer = tool("strategy", "check", "own:Sub", *config, "--set", "strategy.class_path=other:Name")

    assert (answer.code, answer.out) == (2, "")
    assert "named own:Sub and --set strategy.class_path=other:Name: leave one out" in answer.err


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ((), "module:Name"),
        (("nothing",), "was nothing"),
        (("absent_module:Maker",), "absent_module"),
        (("trading_platform.strategies.touch_maker:Absent",), "TouchMaker"),
        (
            ("trading_platform.strategies.touch_maker:TouchMaker", "--set", "strategy.params.levels=99"),
            "levels",
        ),
        (("--config", "absent.json"), "absent.json"),
    ],
)
def test_check_of_what_is_not_there_is_bad_input(
    tool: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], word: str
) -> None:
    monkeypatch.chdir(tmp_path)
    answer = tool("strategy", "check", *arguments)

    assert (answer.code, answer.out) == (2, "")
    assert word.lower() in answer.err.lower()
    assert "Traceback" not in answer.err
