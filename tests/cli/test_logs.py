"""Log lines: few, on standard error, each with the run's id; never an event."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from backtest.strategies_on_disk import write_strategy
from oracle.builders import COMPILED, PARTS, maker_config


@pytest.fixture(scope="module")
def config_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a config whose strategy soon loses more than it may: trading halts."""
    directory = tmp_path_factory.mktemp("logs")
    raw = maker_config(PARTS[:1], COMPILED).resolved()
    raw["output"] = {"directory": "runs"}
    raw["risk"]["max_loss"] = {"max_drawdown": "0.5"}
    raw["engine"]["max_wakeups"] = 20_000
    (directory / "config.json").write_text(json.dumps(raw), encoding="utf-8")
    return directory / "config.json"


def run(config: Path, *options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "trading_platform.cli", *options, "run", "-c", str(config), "--json"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )


def test_json_lines_name_the_run_level_and_time(config_file: Path) -> None:
    done = run(config_file, "--log-json", "--log-level", "info")
    run_id = json.loads(done.stdout)["run_id"]
    lines = [json.loads(line) for line in done.stderr.splitlines()]

    assert [line["event"] for line in lines] == ["run started", "trading halted", "run finished"]
    assert {line["run"] for line in lines} == {run_id}
    assert [line["level"] for line in lines] == ["info", "warning", "info"]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z", line["timestamp"]) for line in lines)
    assert lines[-1]["log_digest"] == json.loads(done.stdout)["log_digest"]


def test_only_warnings_are_told_unless_asked_for_more(config_file: Path) -> None:
    (line,) = run(config_file).stderr.splitlines()

    assert "trading halted" in line
    assert "warning" in line
    assert "halt_code=DRAWDOWN" in line


def test_level_and_form_come_from_the_environment_too(config_file: Path) -> None:
    done = run(config_file, TRADING_PLATFORM_LOG_LEVEL="error", TRADING_PLATFORM_LOG_JSON="1")

    assert (done.returncode, done.stderr) == (0, "")


def test_what_a_strategy_prints_is_shown_while_it_runs(config_file: Path) -> None:
    source = """
        class S(Strategy):
            wake = Wake.TOUCH

            def on_start(self):
                print("seen", self.view.bid_ticks())
    """
    raw = json.loads(config_file.read_text())
    raw["strategy"] = {"class_path": write_strategy(config_file.parent, source), "params": {}}
    path = config_file.parent / "prints.json"
    path.write_text(json.dumps(raw), encoding="utf-8")
    done = run(path)

    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"seen \d+\n", done.stderr)
    assert json.loads(done.stdout)["status"] == "done"
