"""The command line: what it prints where, and the exit codes 0 (done), 1 (failed, different) and 2 (bad input)."""

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from backtest.strategies_on_disk import write_strategy
from market_data.builders import depth, record, snapshot, trade
from oracle.builders import COMPILED, INTERPRETED, Done, maker_config
from oracle.builders import run as run_here
from venues.play import BUY, SELL, book, events_of, ticks_of_time
from venues.play import trade as trade_row

import trading_platform
from cli.calling import Command
from trading_platform.cli.common import find_run
from trading_platform.cli.warmup import MODULES
from trading_platform.data.files import load_events, save_events
from trading_platform.record.run import read_run

CHEAP = {"risk__venue_policy": {"min_order_notional": 0}}  # the price here is 100


@pytest.fixture
def config_file(tmp_path: Path) -> Path:
    """Return a config of a small market, whose runs go beside it."""
    rows = [*book(0, [(1000, 50)], [(1002, 60)]), *ticks_of_time(1, 100)]
    rows += [trade_row(at, SELL if at % 2 else BUY, 1000 if at % 2 else 1002, 70) for at in range(20, 90, 5)]
    save_events(tmp_path / "market.npz", events_of(rows))
    config = maker_config(
        (tmp_path / "market.npz",), COMPILED, **CHEAP, output__directory=str(tmp_path / "runs")
    )
    path = tmp_path / "config.json"
    path.write_text(json.dumps(config.resolved()), encoding="utf-8")
    return path


@pytest.fixture
def done(config_file: Path, tmp_path: Path) -> Done:
    config = maker_config((tmp_path / "market.npz",), COMPILED, **CHEAP)
    return run_here(config, tmp_path / "runs" / "done")


# --- run


def test_run_prints_the_summary_and_where_it_is(tool: Command, config_file: Path, tmp_path: Path) -> None:
    answer = tool("run", "--config", config_file)

    assert answer.code == 0, answer.err
    (directory,) = (tmp_path / "runs").iterdir()
    assert directory.name.startswith("binance-btcusdt-")
    assert f"wrote {directory}" in answer.out
    assert f"next: trading-platform verify {directory}" in answer.out
    assert "BTCUSDT" in answer.out
    assert "Traceback" not in answer.err


def test_run_as_json_prints_the_record_and_nothing_else(
    tool: Command, config_file: Path, tmp_path: Path
) -> None:
    answer = tool(
        "run", "--config", config_file, "--json", "--set", "output.run_id=mine", "--set", "risk.scope=night"
    )

    assert answer.code == 0, answer.err
    assert answer.err == ""
    assert answer.json == {"run": str(tmp_path / "runs" / "mine"), **read_run(tmp_path / "runs" / "mine")}
    assert answer.json["status"] == "done"
    assert answer.json["scope"] == answer.json["config"]["risk"]["scope"] == "night"
    assert answer.json["summary"]["fills"]["count"] > 2


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("risk.position_limits.max_position=-1", ("risk.position_limits.max_position", "> 0", "-1")),
        ("engine.exchange_model=partial", ("engine.exchange_model", "partial_fill", '"partial"')),
        ("engine.latency.entry_second=1", ("entry_second", "entry_seconds")),
        ('engine.data_files=["nowhere.npz"]', ("engine.data_files[0]", "nowhere.npz")),
        ("strategy.params.order_qty=0.0001", ("strategy.params.order_qty", "0.001", "0.0001")),
        (
            "strategy.class_path=trading_platform.strategies.touch_maker:Nobody",
            ("class_path", "Nobody", "TouchMaker"),
        ),
        ("no-equals-sign", ("key=value", "no-equals-sign")),
    ],
)
def test_bad_config_exits_with_2_and_names_key_and_value(
    tool: Command, config_file: Path, override: str, words: tuple[str, ...]
) -> None:
    answer = tool("run", "--config", config_file, "--set", override)

    assert answer.code == 2
    assert answer.out == ""
    assert answer.err.startswith("ConfigError: ")
    assert "Traceback" not in answer.err
    assert all(word in answer.err for word in words), answer.err


def test_config_that_is_not_there_or_no_json_exits_with_2(tool: Command, tmp_path: Path) -> None:
    (tmp_path / "broken.json").write_text('{"id": "x",}')
    for name, word in (("absent.json", "absent.json"), ("broken.json", "line 1")):
        answer = tool("run", "--config", tmp_path / name)
        assert (answer.code, answer.out) == (2, "")
        assert word in answer.err


def test_bad_data_exit_with_2_and_name_file_and_row(tool: Command, config_file: Path, tmp_path: Path) -> None:
    rows = load_events(tmp_path / "market.npz").copy()
    rows["px"][7] += 0.05
    save_events(tmp_path / "market.npz", np.ascontiguousarray(rows), overwrite=True)
    answer = tool("run", "--config", config_file)

    assert answer.code == 2
    assert "market.npz: row 7" in answer.err
    assert "price must be a multiple of 0.1" in answer.err


def test_failing_run_exits_with_1_and_says_why_and_where_its_record_is(
    tool: Command, config_file: Path, tmp_path: Path
) -> None:
    source = """
        class S(Strategy):
            def on_market(self):
                raise ValueError("my mistake")
    """
    class_path = write_strategy(tmp_path, source)
    arguments = (
        "--set",
        f"strategy.class_path={class_path}",
        "--set",
        "strategy.params={}",
        "--set",
        "output.run_id=bad",
    )
    answer = tool("run", "--config", config_file, *arguments, "--json")

    assert answer.code == 1
    assert answer.json["status"] == "failed"
    assert "StrategyError: ValueError" in answer.err
    assert "my mistake" in answer.err
    assert f"{class_path.partition(':')[0]}.py:" in answer.err
    assert f"record: {tmp_path / 'runs' / 'bad'}" in answer.err
    assert read_run(tmp_path / "runs" / "bad")["status"] == "failed"


def test_what_helps_after_a_failure_is_a_command_that_can_help(
    tool: Command, config_file: Path, tmp_path: Path
) -> None:
    """The debugger after a call that raised; the check where no call was ever made."""
    (tmp_path / "broken_at_import.py").write_text("x = 1 / 0\n")
    answer = tool("run", "-c", config_file, "--set", "strategy.class_path=broken_at_import:S")

    assert answer.code == 1
    assert f"{tmp_path / 'broken_at_import.py'}:1: importing broken_at_import failed" in answer.err
    assert "--debug" not in answer.out
    (hint,) = [line for line in answer.out.splitlines() if line.startswith("next: ")]
    again = tool(*shlex.split(hint.removeprefix("next: trading-platform ").partition("  (")[0]))
    assert again.code == 1
    assert "[import-failed]" in again.out


@pytest.mark.parametrize(
    "command",
    [
        ("data", "synth", "--out", "market.npz", "--seconds", "604800"),
        ("data", "synth", "--out", "market.npy", "--rows", "400000000"),
    ],
)
def test_interrupted_command_says_so_and_leaves_nothing(tmp_path: Path, command: tuple[str, ...]) -> None:
    with subprocess.Popen(
        [sys.executable, "-P", "-m", "trading_platform.cli", *command],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stderr is not None
        said = child.stderr.readline()  # it is at work
        child.send_signal(signal.SIGINT)
        said += child.stderr.read()

    assert child.returncode == 130
    assert said.endswith("interrupted\n"), said
    assert list(tmp_path.iterdir()) == []


def test_run_directory_that_exists_is_left_alone(tool: Command, config_file: Path, done: Done) -> None:
    before = {path.name: path.read_bytes() for path in done.directory.iterdir()}
    answer = tool("run", "--config", config_file, "--set", f"output.run_id={done.directory.name}")

    assert answer.code in (1, 2)
    assert "must not exist" in answer.err
    assert {path.name: path.read_bytes() for path in done.directory.iterdir()} == before


# --- verify


def test_verify_says_same(tool: Command, done: Done) -> None:
    answer = tool("verify", done.directory, "--json")

    assert answer.code == 0, answer.err
    assert answer.err == ""
    assert answer.json["same"] is True
    assert answer.json["digest"] == answer.json["recorded_digest"] == done.digest
    assert answer.json["changes"] == []


SPREAD = """
    class S(Strategy):
        def on_market(self):
            self.view.quote(BUY, 0, self.view.bid_ticks() - {away}, 10)
"""


def test_verify_of_an_edited_strategy_says_different_and_where(
    tool: Command, config_file: Path, tmp_path: Path
) -> None:
    class_path = write_strategy(tmp_path, SPREAD.format(away=1), "edited_strategy")
    arguments = (
        "--set",
        f"strategy.class_path={class_path}",
        "--set",
        "strategy.params={}",
        "--set",
        "output.run_id=mine",
    )
    assert tool("run", "--config", config_file, *arguments).code == 0
    write_strategy(tmp_path, SPREAD.format(away=2), "edited_strategy")
    answer = tool("verify", tmp_path / "runs" / "mine")

    assert answer.code == 1
    assert "different: recorded" in answer.out
    assert "first difference at event" in answer.out
    assert "price_ticks" in answer.out
    assert "changed: strategy source" in answer.out


def test_verify_of_a_damaged_log_exits_with_1_and_names_it(tool: Command, done: Done) -> None:
    log = done.directory / "events.bin"
    content = bytearray(log.read_bytes())
    content[128 + 5 * 128 + 60] ^= 4
    log.write_bytes(content)
    answer = tool("verify", done.directory)

    assert answer.code == 1
    assert answer.out == ""
    assert answer.err.startswith("EventLogError: ")
    assert str(log) in answer.err


def test_verify_without_the_data_of_the_run_exits_with_2(tool: Command, done: Done, tmp_path: Path) -> None:
    market = tmp_path / "market.npz"
    content = market.read_bytes()
    save_events(market, np.ascontiguousarray(load_events(market)[:-1]), overwrite=True)
    changed = tool("verify", done.directory)
    market.unlink()
    absent = tool("verify", done.directory)

    assert (changed.code, absent.code) == (2, 2)
    assert "the data changed since the run" in changed.err
    assert "is absent" in absent.err
    market.write_bytes(content)
    back = tool("verify", done.directory)
    assert (back.code, back.out.splitlines()[0]) == (0, f"same: {done.digest}")


def test_verify_of_no_run_is_bad_input_and_names_the_runs_that_are_there(
    tool: Command, tmp_path: Path
) -> None:
    (tmp_path / "runs" / "one").mkdir(parents=True)
    (tmp_path / "runs" / "one" / "events.bin").touch()
    answer = tool("verify", "nowhere", "--runs", tmp_path / "runs")

    assert (answer.code, answer.out) == (2, "")
    assert "nowhere must be a run" in answer.err
    assert "newest: one" in answer.err


def test_last_is_the_newest_run(tool: Command, done: Done, tmp_path: Path) -> None:
    answer = tool("verify", "last", "--runs", tmp_path / "runs", "--json")

    assert (answer.code, answer.json["digest"]) == (0, done.digest)


def test_last_is_no_name_for_a_run(tool: Command, config_file: Path) -> None:
    answer = tool("run", "-c", config_file, "--set", "output.run_id=last")

    assert answer.code == 2
    assert "output.run_id must be another name" in answer.err


def test_last_is_the_run_that_started_last_not_the_one_that_ended_last(
    tool: Command, done: Done, tmp_path: Path
) -> None:
    earlier = tmp_path / "runs" / "earlier"
    shutil.copytree(done.directory, earlier)
    os.utime(earlier / "config.json", ns=(1, 1))  # it began long ago
    os.utime(earlier / "run.json")  # and ended now

    assert find_run("last", tmp_path / "runs") == done.directory


def test_last_without_runs_says_how_to_start_one(tool: Command, tmp_path: Path) -> None:
    answer = tool("verify", "last", "--runs", tmp_path)

    assert answer.code == 2
    assert "trading-platform run" in answer.err


# --- diff and export


def test_diff_of_equal_logs(tool: Command, done: Done, tmp_path: Path) -> None:
    other = run_here(
        maker_config((tmp_path / "market.npz",), INTERPRETED, **CHEAP), tmp_path / "runs" / "other"
    )
    text, as_json = (tool("diff", done.directory, other.directory, *more) for more in ((), ("--json",)))

    assert (text.code, as_json.code) == (0, 0)
    assert "equal" in text.out
    assert as_json.json is None


def test_diff_shows_the_first_event_that_differs(tool: Command, done: Done, tmp_path: Path) -> None:
    config = maker_config(
        (tmp_path / "market.npz",), COMPILED, **CHEAP, strategy__params={"order_qty": "0.02"}
    )
    other = run_here(config, tmp_path / "runs" / "other")
    text, as_json = (tool("diff", done.directory, other.directory, *more) for more in ((), ("--json",)))
    index = next(i for i, (a, b) in enumerate(zip(done.events, other.events, strict=False)) if a != b)

    assert (text.code, as_json.code) == (1, 1)
    assert f"first difference at event {index}" in text.out
    assert as_json.json["index"] == index


def test_diff_with_what_is_no_run_is_bad_input(tool: Command, done: Done, tmp_path: Path) -> None:
    answer = tool("diff", done.directory, tmp_path)

    assert answer.code == 2
    assert f"{tmp_path} must be a run" in answer.err


def test_export_writes_a_json_line_per_event_and_overwrites_nothing(
    tool: Command, done: Done, tmp_path: Path
) -> None:
    out = tmp_path / "events.json"
    answer = tool("export", done.directory, "--out", out, "--json")
    lines = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]

    assert answer.code == 0, answer.err
    assert answer.json == {"out": str(out), "rows": len(done.events)}
    assert [line["seq"] for line in lines] == done.events["seq"].tolist()
    assert {line["instrument"] for line in lines if "instrument" in line} == {"BTCUSDT"}

    again = tool("export", done.directory, "--out", out)
    assert again.code == 2
    assert "never overwrites" in again.err
    assert [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()] == lines


# --- data


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    lines = [
        (0, snapshot(0, [("60000.0", "1")], [("60000.1", "1")])),
        (5, depth(4)),
        (9, trade(8)),
        (12, trade(11)),
    ]
    return record(tmp_path / "btcusdt_20240808.gz", lines)


def test_convert_writes_event_files_with_manifests(tool: Command, recording: Path, tmp_path: Path) -> None:
    answer = tool("data", "convert", "binance-usdm", recording, "--out", tmp_path / "data", "--json")

    assert answer.code == 0, answer.err
    (made,) = answer.json["files"]
    assert made["rows"] == len(load_events(made["path"]))
    assert made["gaps"] == 0
    assert Path(made["path"]).with_suffix(".json").is_file()
    text = tool("data", "convert", "binance-usdm", recording, "--out", tmp_path / "data")
    assert text.code == 0
    assert f"wrote {made['path']} ({made['rows']} rows, 0 gaps, {made['verdict']})" in text.out


def test_convert_of_an_unknown_source_names_the_known_ones(
    tool: Command, recording: Path, tmp_path: Path
) -> None:
    answer = tool("data", "convert", "binance", recording, "--out", tmp_path / "data")

    assert (answer.code, answer.out) == (2, "")
    assert "binance-usdm" in answer.err
    assert "'binance'" in answer.err
    assert not (tmp_path / "data").exists()


def test_convert_of_a_broken_recording_names_file_and_line(tool: Command, tmp_path: Path) -> None:
    broken = record(tmp_path / "broken.gz", [(5, depth(4)), (6, "{not json")])
    answer = tool("data", "convert", "binance-usdm", broken, "--out", tmp_path / "data")

    assert answer.code == 2
    assert "DataError: " in answer.err
    assert "broken.gz:2" in answer.err


# --- the rest


def test_warmup_compiles_nothing_when_the_cache_is_warm(tool: Command) -> None:
    first, second = tool("warmup", "--json"), tool("warmup", "--json")

    assert (first.code, second.code) == (0, 0)
    assert second.json["compiled"] == first.json["compiled"]
    assert Path(second.json["cache"]).is_dir()


def test_warmup_knows_every_module_with_functions_that_python_calls() -> None:
    """Also where the cache cannot be written (a read-only image) nothing is left to compile."""
    package = Path(trading_platform.__file__).parent
    found = {
        ".".join(path.relative_to(package).with_suffix("").parts)
        for path in package.rglob("*.py")
        if re.search(r"^@(entry|compiled_strategy)\(", path.read_text(), re.MULTILINE)
    }
    assert found == set(MODULES)


@pytest.mark.parametrize(
    "arguments",
    [("rum",), ("run",), ("run", "--config"), ("verify",), ("run", "-c", "x", "--fast"), ("data", "convert")],
)
def test_wrong_usage_exits_with_2_on_standard_error(tool: Command, arguments: tuple[str, ...]) -> None:
    answer = tool(*arguments)

    assert (answer.code, answer.out) == (2, "")
    assert "Error" in answer.err


@pytest.mark.parametrize("arguments", [("--help",), ("run", "--help"), ("data", "convert", "--help")])
def test_help_is_on_standard_output(tool: Command, arguments: tuple[str, ...]) -> None:
    answer = tool(*arguments)

    assert answer.code == 0
    assert "Usage" in answer.out
    assert answer.err == ""
