"""``orders`` and ``runs``: what they print, what they refuse, and that every hint they give works."""

import json
import os
import re
import shlex
import shutil
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pexpect
import pytest
from oracle.builders import COMPILED, PARTS, Done, maker_config
from oracle.builders import run as run_here

import trading_platform
from cli.calling import Answer, Command
from trading_platform.cli.common import find_run
from trading_platform.data.files import load_events, save_events
from trading_platform.eventlog.reader import open_log
from trading_platform.model.enums import EventFlag, EventKind
from trading_platform.record.names import LOG_FILE, RUN_FILE

ROWS = 24_000
ENVIRONMENT = os.environ | {"PYTHONPATH": str(Path(trading_platform.__file__).parents[1])}


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Done:
    """Return a run over the bundled market with fills, replaces and denials."""
    folder = tmp_path_factory.mktemp("shared")
    save_events(folder / "slice.npz", np.ascontiguousarray(load_events(PARTS[0])[:ROWS]))
    config = maker_config(
        (folder / "slice.npz",),
        COMPILED,
        strategy__params={"order_qty": "0.01", "levels": 3, "level_step": "0.5"},
        risk__position_limits__max_position="0.2",
        engine__exchange_model="partial_fill",
    )
    return run_here(config, folder / "runs" / "first")


@pytest.fixture
def runs(shared: Done, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a runs directory of the test's own, the default one of this directory."""
    shutil.copytree(shared.directory, tmp_path / "runs" / "first")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TRADING_PLATFORM_RUNS", raising=False)
    return tmp_path / "runs"


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (("--from", "1000000"), "--from must be a time of the run: the run is"),
        (("--to", "0"), "--to must be a time of the run"),
        (("--to", "2001-01-01"), "--to must be a time of the run"),
        (("--from", "3", "--to", "2"), "--from must be before --to"),
        (("--min-fill", "1e400"), "--min-fill must be a quantity"),
    ],
)
def test_periods_and_quantities_that_no_order_can_have_are_refused(
    tool: Command, runs: Path, options: tuple[str, ...], word: str
) -> None:
    answer = tool("orders", "first", "--runs", runs, *options)

    assert answer.code == 2
    assert word in answer.err


def killed(runs: Path, name: str = "killed") -> Path:
    """Leave what a killed run leaves: a log that breaks off within an event."""
    directory = runs / name
    directory.mkdir()
    content = (runs / "first" / LOG_FILE).read_bytes()
    (directory / LOG_FILE).write_bytes(content[: 128 * 4000 + 50])
    shutil.copy(runs / "first" / "config.json", directory)
    return directory


def hints(answer: Answer) -> list[list[str]]:
    """Return the arguments of the commands that an answer proposes."""
    lines = re.findall(r"^next: trading-platform (.+?)(?:  \(.*\))?$", answer.out, re.MULTILINE)
    return [shlex.split(line) for line in lines]


# --- orders


def test_orders_shows_twenty_says_of_how_many_and_its_hint_tells_a_story(
    tool: Command, runs: Path, shared: Done
) -> None:
    answer = tool("orders", "last")
    total = int((shared.of(EventKind.SENT)["a"] == 1).sum())

    assert (answer.code, answer.err) == (0, "")
    rows = [line for line in answer.out.splitlines() if re.match(r"\s*\d+\s+(buy|sell)\d", line)]
    assert len(rows) == 20
    assert f"20 of {total:,} orders shown: --limit 0 shows all" in answer.out
    ((*command,),) = [hint for hint in hints(answer) if "--id" in hint]
    story = tool(*command)
    assert story.code == 0, story.err
    assert "sent to the venue: " in story.out
    assert "the strategy asked: " in story.out


def test_orders_as_json_has_all_that_match(tool: Command, runs: Path, shared: Done) -> None:
    every = tool("orders", "first", "--limit", 0, "--json")
    filled = tool(
        "orders", "first", "--limit", 0, "--json", "--status", "filled", "--side", "buy", "--slot", "buy0"
    )

    assert every.err == filled.err == ""
    assert every.json["total"] == every.json["matching"] == len(every.json["orders"])
    expected = [
        row["order_id"]
        for row in every.json["orders"]
        if (row["status"], row["slot_name"], row["side"]) == ("FILLED", "buy0", "BUY")
    ]
    assert [row["order_id"] for row in filled.json["orders"]] == expected != []
    assert sum(row["fill_count"] for row in every.json["orders"]) == len(shared.of(EventKind.FILL))


def test_orders_are_sorted_and_cut(tool: Command, runs: Path) -> None:
    answer = tool("orders", "first", "--sort", "-price", "--limit", 5, "--min-fill", "0.01", "--json")
    prices = [row["price_ticks"] for row in answer.json["orders"]]

    assert prices == sorted(prices, reverse=True)
    assert len(prices) == 5
    assert all(row["cum_lots"] >= 10 for row in answer.json["orders"])


def test_orders_of_a_time_are_the_same_by_seconds_and_by_date(tool: Command, runs: Path) -> None:
    rows = tool("orders", "first", "--limit", 0, "--json").json["orders"]
    start_ns = int(open_log(runs / "first" / LOG_FILE).events["now_ns"][1])
    at = [np.datetime64(row["sent"].rstrip("Z"), "ns").astype(int) - start_ns for row in rows]
    expected = [row["order_id"] for row, ns in zip(rows, at, strict=True) if 5 * 10**9 <= ns < 20 * 10**9]
    first, last = (str(np.datetime64(start_ns + second * 10**9, "ns")) for second in (5, 20))
    by_seconds = tool("orders", "first", "--from", 5, "--to", 20, "--limit", 0, "--json")
    by_date = tool("orders", "first", "--from", first[:26], "--to", f"{last[:26]}Z", "--limit", 0, "--json")

    assert 0 < len(expected) < len(rows)
    assert [row["order_id"] for row in by_seconds.json["orders"]] == expected
    assert [
        row["order_id"] for row in by_date.json["orders"]
    ] == expected  # cut to microseconds: none between


def test_story_of_a_replaced_order_leads_to_what_took_its_place(tool: Command, runs: Path) -> None:
    row = tool("orders", "first", "--cause", "replaced", "--limit", 1, "--json").json["orders"][0]
    text, machine = (tool("orders", "first", "--id", row["short_id"], *more) for more in ((), ("--json",)))

    assert f"order {row['replaced_by']} took its place" in text.out
    assert ["orders", "first", "--id", str(row["replaced_by"])] in hints(text)
    assert machine.json["replaced_by"][-1] == row["replaced_by"]
    kinds = [line["event"]["kind"] for line in machine.json["lines"]]
    assert kinds[0] == "INTENT"
    assert {"SENT", "STATUS", "REPLACED"} <= set(kinds)


def test_denied_lists_every_denial_with_its_repeats(tool: Command, runs: Path, shared: Done) -> None:
    denied = shared.of(EventKind.DENIED)
    again = (denied["flags"] & EventFlag.COALESCED) != 0
    machine = tool("orders", "first", "--denied", "--limit", 0, "--json")
    one = tool("orders", "first", "--denied", "--cause", machine.json["denials"][0]["code"].lower())

    assert (
        sum(row["count"] for row in machine.json["denials"]) == int(np.where(again, denied["c"], 1).sum()) > 0
    )
    assert f"{machine.json['denials'][0]['code']}: " in one.out
    assert tool(*hints(one)[0]).code == 0


def test_killed_run_without_its_config_says_so(tool: Command, runs: Path) -> None:
    (killed(runs) / "config.json").unlink()
    answer = tool("orders", "killed")

    assert answer.code == 1
    assert "config.json: must be the config of the unfinished run" in answer.err


def test_config_in_a_run_directory_runs_it_again(tool: Command, runs: Path, shared: Done) -> None:
    config, where = runs / "first" / "config.json", f"output.directory={runs}"
    again = tool("run", "--config", config, "--set", where, "--set", "output.run_id=again", "--json")

    assert again.json["log_digest"] == shared.digest


def test_killed_run_shows_its_orders(tool: Command, runs: Path) -> None:
    directory = killed(runs)
    whole = tool("orders", "first", "--limit", 0, "--json").json["orders"]
    answer, text = tool("orders", directory, "--limit", 0, "--json"), tool("orders", directory)

    assert answer.code == 0, answer.err
    assert answer.json["torn_bytes"] == 50
    assert 0 < len(answer.json["orders"]) < len(whole)
    for row, known in zip(answer.json["orders"], whole, strict=False):
        same = ("order_id", "price", "price_ticks", "order_lots", "sent", "acked")
        assert [row[name] for name in same if row[name] is not None] == [
            known[name] for name in same if row[name] is not None
        ]
    assert tool(*hints(text)[0]).code == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--id", 10**6), ("--id must be the id of an order of this run (1 to ", "1000000")),
        (("--id", 1, "--side", "buy"), ("--side", "--id")),
        (("--id", 1, "--denied"), ("--denied", "--id")),
        (("--id", 1, "--limit", 3), ("--limit", "--id")),
        (("--denied", "--status", "filled"), ("--status", "--denied")),
        (("--denied", "--cause", "replaced"), ("--cause", "position", "replaced")),
        (("--status", "gone"), ("--status", "filled", "gone")),
        (("--side", "up"), ("--side", "buy, sell", "up")),
        (("--slot", "buy"), ("--slot", "buy0", "was buy")),
        (("--sort", "colour"), ("--sort", "price", "colour")),
        (("--from", "noon"), ("--from", "ISO 8601", "noon")),
        (("--from", "nan"), ("--from", "nan")),
        (("--min-fill", "0"), ("--min-fill", "0.001 BTC")),
        (("--min-fill", "much"), ("--min-fill", "much")),
    ],
)
def test_wrong_arguments_of_orders_exit_with_2_and_name_what_is_right(
    tool: Command, runs: Path, arguments: tuple[object, ...], words: tuple[str, ...]
) -> None:
    answer = tool("orders", "first", *arguments)

    assert (answer.code, answer.out) == (2, "")
    assert all(word in answer.err for word in words), answer.err
    assert "Traceback" not in answer.err


def test_selection_without_a_match_says_so(tool: Command, runs: Path) -> None:
    answer = tool("orders", "first", "--slot", "buy99")

    assert answer.code == 0
    assert "no orders match (of " in answer.out
    assert ["orders", "first", "--denied"] in hints(answer)


def test_run_without_a_log_says_why_nothing_happened(tool: Command, runs: Path) -> None:
    (runs / "first" / LOG_FILE).unlink()
    answer = tool("orders", "first")

    assert (answer.code, answer.out) == (1, "")
    assert f"has no {LOG_FILE}" in answer.err


def test_narrow_window_leaves_columns_out_and_says_which(
    tool: Command, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "dumb")
    answer = tool("orders", "first", "--limit", 3)

    assert "left out, the window is too narrow: average" in answer.out
    header = next(line for line in answer.out.splitlines() if "slot" in line)
    assert "why" in header
    assert "average" not in header
    assert all(
        len(line) <= 80 for line in answer.out.splitlines() if re.match(r"\s*\d+\s+(buy|sell)\d", line)
    )


# --- runs


def test_ls_shows_runs_and_leads_to_one(tool: Command, runs: Path, shared: Done) -> None:
    killed(runs)
    answer, machine = tool("runs", "ls"), tool("runs", "ls", "--json")
    first = next(row for row in machine.json["runs"] if row["run"] == "first")

    assert (answer.code, answer.err) == (0, "")
    assert {row["run"]: row["status"] for row in machine.json["runs"]} == {
        "first": "done",
        "killed": "unfinished",
    }
    assert first["started"] == shared.record["started"]
    assert first["finished"] == shared.record["finished"]
    assert first["orders"] == shared.record["summary"]["orders"]["sent"]
    assert Path(first["path"]).is_dir()
    assert "2 runs" in answer.out
    assert tool(*hints(answer)[0]).code == 0


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (("--status", "done"), ["first"]),
        (("--status", "unfinished"), ["killed"]),
        (("--strategy", "TOUCH"), ["first"]),
        (("--instrument", "nothing"), []),
        (("--where", "fills>0", "--where", "orders>=1"), ["first"]),
        (("--where", "fills<0"), []),
        (("--since", "2100-01-01"), []),
        (("--until", "2100-01-01T00:00", "--sort", "run"), ["first", "killed"]),
        (("--sort", "-run", "--limit", 1), ["killed"]),
        (("--tag", "base"), ["first"]),
        (("--tag", "base", "--tag", "other"), []),
    ],
)
def test_ls_filters(tool: Command, runs: Path, arguments: tuple[object, ...], found: list[str]) -> None:
    killed(runs)
    assert tool("runs", "tag", "first", "base").code == 0
    answer = tool("runs", "ls", *arguments, "--json")

    assert [row["run"] for row in answer.json["runs"]] == found


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("ls", "--status", "gone"), ("--status", "interrupted", "gone")),
        (("ls", "--where", "profit>0"), ("--where", "net", "profit")),
        (("ls", "--sort", "colour"), ("--sort", "net", "colour")),
        (("ls", "--since", "monday"), ("--since", "ISO 8601", "monday")),
        (("ls", "--runs", "nowhere"), ("nowhere", "--runs")),
        (("tag", "first", "two words"), ("tag must be", "two words")),
        (("tag", "first", "absent", "--remove"), ("(none)", "absent")),
        (("show", "nowhere"), ("nowhere must be a run", "first")),
        (("ls", "--since", "9999-01-01"), ("--since", "2262", "9999")),
        (("ls", "--tag", "caf\udce9"), ("--tag must be text in UTF-8", "caf\\udce9")),
        (("tag", "first", "caf\udce9"), ("tag must be", "caf\\udce9")),
        (("note", "first", "caf\udce9"), ("note must be text in UTF-8", "caf\\udce9")),
        (("rm", "first"), ("--yes",)),
        (("rm", "..", "--yes"), (".. must be a run", "first")),
    ],
)
def test_wrong_arguments_of_runs_exit_with_2_and_name_what_is_right(
    tool: Command, runs: Path, arguments: tuple[object, ...], words: tuple[str, ...]
) -> None:
    answer = tool("runs", *arguments)

    assert (answer.code, answer.out) == (2, "")
    assert all(word in answer.err for word in words), answer.err
    assert (runs / "first" / RUN_FILE).is_file()
    assert not list(runs.rglob("notes.json*"))


def test_last_is_the_first_row_of_ls(tool: Command, runs: Path) -> None:
    """Begun last, whatever became of it: a run that goes on or ended later, but began earlier, is not the last."""
    start = datetime.fromisoformat(json.loads((runs / "first" / RUN_FILE).read_text())["started"])
    made = [
        ("first", "done", 0, 90),
        ("b-unfinished", "unfinished", 10, 95),
        ("a-failed", "done", 20, 80),
        ("d-no-start", "no start", 30, 70),
        ("a-damaged", "damaged", 40, 60),
        ("b-at-once", "unfinished", 50, 99),
        ("c-at-once", "unfinished", 50, 51),
    ]
    for number, (name, state, begun_s, written_s) in enumerate(made):
        directory = runs / name
        if name != "first":
            shutil.copytree(runs / "first", directory)
        record = json.loads((directory / RUN_FILE).read_text())
        record["started"] = (start + timedelta(seconds=begun_s)).isoformat()
        if state == "no start":
            del record["started"]
        (directory / RUN_FILE).write_text("{" if state == "damaged" else json.dumps(record))
        if state == "unfinished":
            (directory / RUN_FILE).unlink()
        for path in directory.iterdir():
            at_s = start.timestamp() + (begun_s if path.name == "config.json" else written_s)
            os.utime(path, (at_s, at_s))
        rows = [row["run"] for row in tool("runs", "ls", "--json").json["runs"]]
        assert rows == [name for name, *_ in reversed(made[: number + 1])]
        assert find_run("last").name == rows[0]


def test_ls_and_show_of_a_record_with_odd_text_and_a_directory_with_an_odd_name(
    tool: Command, runs: Path
) -> None:
    path = runs / "first" / RUN_FILE
    shutil.copytree(runs / "first", runs / "caf\udce9")
    path.write_text(
        json.dumps(json.loads(path.read_text()) | {"status": "failed", "error": "bad \ud800 name"})
    )
    text, machine, shown = tool("runs", "ls"), tool("runs", "ls", "--json"), tool("runs", "show", "first")

    assert (text.code, machine.code, shown.code) == (0, 0, 0), shown.err
    assert [row["run"] for row in machine.json["runs"]] == ["first"]
    assert "caf\\udce9: is not listed" in text.err
    assert "bad \\ud800 name" in shown.out


def test_ls_before_the_first_run_says_how_to_start(
    tool: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TRADING_PLATFORM_RUNS", raising=False)
    text, machine = tool("runs", "ls"), tool("runs", "ls", "--json")

    assert text.code == 0
    assert "no runs in" in text.out
    assert hints(text)[0][0] == "run"
    assert machine.json == {"runs": [], "matching": 0, "total": 0}
    assert list(tmp_path.iterdir()) == []


def test_runs_directory_comes_from_the_option_or_the_environment(
    tool: Command, runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs.rename(tmp_path / "elsewhere")
    by_option = tool("runs", "ls", "--runs", tmp_path / "elsewhere", "--json")
    hinted = hints(tool("runs", "ls", "--runs", tmp_path / "elsewhere"))[0]
    assert tool(*hinted).code == 0
    monkeypatch.setenv("TRADING_PLATFORM_RUNS", str(tmp_path / "elsewhere"))

    assert tool("runs", "ls", "--json").json == by_option.json
    assert by_option.json["total"] == 1


def test_show_tells_the_record_in_words(tool: Command, runs: Path, shared: Done) -> None:
    tool("runs", "tag", "first", "b", "a")
    tool("runs", "note", "first", "wider [spread]")
    text, machine = tool("runs", "show", "first"), tool("runs", "show", "first", "--json")
    record: dict[str, Any] = shared.record

    assert text.code == 0, text.err
    for word in (
        "a, b",
        "wider [spread]",
        record["config_sha256"],
        record["log_digest"],
        record["data"][0]["sha256"][:12],
        record["config"]["strategy"]["class_path"],
        f"hftbacktest {record['versions']['hftbacktest']}",
        record["started"][:19].replace("T", " "),
        "orders.parquet",
        "net profit",
    ):
        assert word in text.out, word
    assert machine.json["record"] == json.loads((runs / "first" / RUN_FILE).read_text())
    assert (machine.json["tags"], machine.json["note"]) == (["a", "b"], "wider [spread]")
    assert ["orders", "first"] in hints(text)


def test_show_of_a_failed_run_tells_the_error_and_proposes_no_verify(tool: Command, runs: Path) -> None:
    path = runs / "first" / RUN_FILE
    record = json.loads(path.read_text())
    kept = {name: record[name] for name in ("format", "run_id", "config", "versions")}
    path.write_text(json.dumps(kept | {"status": "failed", "error": "StrategyError: my mistake"}))
    answer = tool("runs", "show", "first")

    assert answer.code == 0, answer.err
    assert "failed" in answer.out
    assert "StrategyError: my mistake" in answer.out
    assert [hint[0] for hint in hints(answer)] == ["orders"]


def test_show_of_a_killed_run_tells_what_is_there(tool: Command, runs: Path) -> None:
    answer = tool("runs", "show", killed(runs).name)

    assert answer.code == 0, answer.err
    assert "unfinished" in answer.out
    assert "3,999 whole events and 50 bytes of another" in answer.out
    assert tool("runs", "show", "killed", "--json").json["status"] == "unfinished"


def test_rm_with_yes_removes_and_asks_nothing(tool: Command, runs: Path) -> None:
    killed(runs)
    refused = tool("runs", "rm", "first", "killed", "--yes")
    assert refused.code == 2
    assert "--force" in refused.err
    assert {path.name for path in runs.iterdir()} == {
        "first",
        "killed",
    }  # all are checked before the first goes

    answer = tool("runs", "rm", "first", "killed", "--yes", "--force", "--json")
    assert (answer.code, answer.err, answer.json["removed"]) == (0, "", ["first", "killed"])
    assert list(runs.iterdir()) == []


@pytest.mark.parametrize(("reply", "left"), [("n", {"first"}), ("y", set())])
def test_rm_asks_on_a_terminal(runs: Path, reply: str, left: set[str]) -> None:
    child = pexpect.spawn(
        sys.executable,
        ["-m", "trading_platform.cli", "runs", "rm", "first"],
        encoding="utf-8",
        timeout=60,
        cwd=str(runs.parent),
        env=ENVIRONMENT,
    )
    child.expect(r"remove first \(.*\) for good\?")
    child.sendline(reply)
    child.expect(pexpect.EOF)
    child.close()

    assert {path.name for path in runs.iterdir()} == left
    assert child.exitstatus == (0 if reply == "y" else 1)
