"""The index is a cache: whatever happens to it, and however many use it at once, it says what the directories say."""

import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from oracle.builders import Done

import trading_platform
from trading_platform.backtest.history import files, index
from trading_platform.backtest.history.files import IndexBusyError, RunsError, is_run, locked
from trading_platform.backtest.history.index import find_runs
from trading_platform.backtest.history.notes import Notes, add_tags, read_notes, remove_tags, set_note
from trading_platform.backtest.history.query import METRICS, SORTS, RunsQuery, parse_condition
from trading_platform.backtest.history.remove import REMOVING, check_removable, remove_run, run_bytes
from trading_platform.model.errors import EventLogError
from trading_platform.record import run as record_module
from trading_platform.record.names import NOTES_FILE, RUN_FILE
from trading_platform.record.run import read_run, write_run

ENVIRONMENT = os.environ | {"PYTHONPATH": str(Path(trading_platform.__file__).parents[1])}
Change = Callable[[dict[str, Any]], None]


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """Return an empty runs directory."""
    path = tmp_path / "runs"
    path.mkdir()
    return path


def add_run(runs: Path, done: Done, name: str, change: Change = lambda record: None) -> Path:
    """Write the record of a real run under another name, changed."""
    directory = runs / name
    directory.mkdir()
    content = json.loads(json.dumps(done.record)) | {"run_id": name}
    change(content)
    write_run(directory, content)
    return directory


def add_unfinished(runs: Path, done: Done, name: str, size: int = 128 * 11 + 5) -> Path:
    """Leave what a killed process leaves: the beginning of a log."""
    directory = runs / name
    directory.mkdir()
    (directory / "events.bin").write_bytes((done.directory / "events.bin").read_bytes()[:size])
    return directory


def look(runs: Path, warnings: list[str] | None = None, **query: Any) -> list[dict[str, Any]]:
    told: list[str] = []
    rows = find_runs(runs, RunsQuery(**query), told.append).rows
    if warnings is None:
        assert told == []
    else:
        warnings += told
    return rows


def names(runs: Path, **query: Any) -> list[str]:
    return [row["run"] for row in look(runs, **query)]


# --- the truth is the directories


def test_row_says_what_the_record_says(runs: Path, done: Done) -> None:
    add_run(runs, done, "one")
    (row,) = look(runs)
    record, summary = read_run(runs / "one"), done.record["summary"]

    assert (row["run"], row["status"], row["config"]) == ("one", "done", record["id"])
    assert row["strategy"] == record["config"]["strategy"]["class_path"]
    assert row["instrument"] == summary["instrument"]
    assert row["orders"] == summary["orders"]["sent"] > 0
    assert row["fills"] == summary["fills"]["count"] > 0
    assert row["net"] == float(summary["pnl"]["net"])
    assert row["max_drawdown"] == float(summary["pnl"]["max_drawdown"]) > 0
    assert row["halts"] == len(summary["halts"])
    assert row["events"] == record["log"]["events"] == len(done.events)
    assert set(row) >= set(METRICS) | {"tags", "note", "started_ns"}
    for name in METRICS:
        assert row[name] is not None or name in (
            "sharpe_annualised",
            "sortino_annualised",
            "return_on_max_position",
        ), name


def test_new_changed_and_removed_runs_are_seen_at_the_next_look(runs: Path, done: Done) -> None:
    for name in ("a", "b"):
        add_run(runs, done, name)
    assert names(runs, sort="run") == ["a", "b"]
    shutil.rmtree(runs / "a")
    add_run(runs, done, "c")
    (runs / "b" / RUN_FILE).unlink()
    write_run(runs / "b", done.record | {"run_id": "b", "status": "failed", "error": "EngineError: why"})
    add_tags(runs / "c", ["x"])

    rows = look(runs, sort="run")
    assert [(row["run"], row["status"], row["error"], row["tags"]) for row in rows] == [
        ("b", "failed", "EngineError: why", []),
        ("c", "done", None, ["x"]),
    ]


def test_run_goes_from_unfinished_to_done(runs: Path, done: Done) -> None:
    directory = add_unfinished(runs, done, "one")
    (row,) = look(runs)
    assert (row["status"], row["events"], row["net"]) == ("unfinished", 10, None)
    write_run(directory, done.record)
    assert look(runs)[0]["status"] == "done"


def test_record_that_is_damaged_is_listed_as_such(runs: Path, done: Done) -> None:
    for name, text in (("half", '{"format": 1, "run'), ("other", '{"format": 2}')):
        (add_run(runs, done, name) / RUN_FILE).write_text(text)
    add_run(runs, done, "odd", lambda record: record["summary"]["pnl"].update(net="much"))
    for row in look(runs):
        assert row["status"] == "damaged"
        assert row["error"]


def test_directories_that_are_no_runs_are_not_listed_and_nothing_is_written(tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / ".removing-x").mkdir()
    (tmp_path / ".removing-x" / RUN_FILE).write_text("{}")
    (tmp_path / "file").write_text("")
    assert look(tmp_path) == []
    assert not (tmp_path / files.INDEX_FILE).exists()


def test_start_is_told_or_else_the_time_of_the_file_that_was_written_first(runs: Path, done: Done) -> None:
    """Records of before the field existed, and those a dead child's parent wrote, have no start."""
    told = "2026-01-02T03:04:05.000006+00:00"
    add_run(runs, done, "told", lambda record: record.update(started=told))
    expected = {"told": 1_767_323_045_000_006_000}
    for second, files_ns in enumerate(
        (
            {"config.json": 1, RUN_FILE: 5},
            {"config.json": 2, "events.bin": 8, RUN_FILE: 9},
            {"events.bin": 3, RUN_FILE: 7},
            {RUN_FILE: 4},
            {"config.json": 5, "events.bin": 9},
            {"events.bin": 6},
        ),
        start=1,
    ):
        directory = runs / f"r{second}"
        directory.mkdir()
        if RUN_FILE in files_ns:
            write_run(directory, {name: done.record[name] for name in done.record if name != "started"})
        for name, at_s in files_ns.items():
            (directory / name).touch()
            os.utime(directory / name, ns=(0, at_s * 10**9))
        expected[directory.name] = second * 10**9

    assert {row["run"]: row["started_ns"] for row in look(runs)} == expected
    assert names(runs) == ["told", "r6", "r5", "r4", "r3", "r2", "r1"]


def test_runs_that_began_at_once_are_listed_in_the_order_of_their_names(runs: Path, done: Done) -> None:
    for name in ("b", "é", "a", "c"):
        add_run(runs, done, name)
    for sort in ("-started", "started"):
        assert names(runs, sort=sort) == ["é", "c", "b", "a"]


ODD: dict[str, Change] = {
    "finished-late": lambda record: record.update(finished="9999-12-31T23:59:59+00:00"),
    "started-early": lambda record: record.update(started="0001-01-01T00:00:00+00:00"),
    "started-naive": lambda record: record.update(started="2026-01-01T00:00:00"),
    "infinite": lambda record: record["summary"]["pnl"].update(net="Infinity"),
    "huge": lambda record: record["summary"]["orders"].update(sent=10**400),
    "nan": lambda record: record.update(wakeups_per_second=float("nan")),
    "list": lambda record: record["config"]["engine"]["instrument"].update(name=["BTC"]),
    "object": lambda record: record["config"]["strategy"].update(class_path={"a": 1}),
}


@pytest.mark.parametrize("odd", ODD)
def test_record_out_of_range_is_damaged_and_the_others_are_listed(runs: Path, done: Done, odd: str) -> None:
    add_run(runs, done, "good")
    add_run(runs, done, "odd", ODD[odd])
    rows = {row["run"]: row for row in look(runs)}

    assert {name: row["status"] for name, row in rows.items()} == {"good": "done", "odd": "damaged"}
    assert "must be" in rows["odd"]["error"] or odd in ("huge", "started-naive")
    assert rows["odd"]["started_ns"] == (runs / "odd" / RUN_FILE).stat().st_mtime_ns
    json.dumps(list(rows.values()), allow_nan=False)


def test_record_nested_too_deep_is_damaged(runs: Path, done: Done) -> None:
    (add_run(runs, done, "deep") / RUN_FILE).write_text("[" * 200_000)
    assert [row["status"] for row in look(runs)] == ["damaged"]


def test_time_of_a_file_beyond_2262_is_the_last_time_there_is(runs: Path, done: Done) -> None:
    directory = add_unfinished(runs, done, "a")
    os.utime(directory / "events.bin", (0, 10_000_000_000))  # 2286
    if (directory / "events.bin").stat().st_mtime_ns < 2**63:
        pytest.skip("this file system ends earlier")
    assert [row["started_ns"] for row in look(runs)] == [2**63 - 1]


def test_text_that_has_no_utf8_is_listed_written_out(runs: Path, done: Done) -> None:
    """JSON can spell a lone surrogate; neither SQLite nor a terminal takes one."""
    directory = add_run(runs, done, "a")
    content = done.record | {"status": "failed", "error": "bad \ud800 name", "scope": "\udce9"}
    (directory / RUN_FILE).write_text(json.dumps(content))
    (row,) = look(runs)

    assert (row["status"], row["error"], row["scope"]) == ("failed", "bad \\ud800 name", "\\udce9")
    assert [row["run"] for row in look(runs, strategy="touch")] == ["a"]


def test_directory_whose_name_is_not_utf8_is_left_out_with_a_warning(runs: Path, done: Done) -> None:
    shutil.copytree(add_run(runs, done, "good"), runs / "caf\udce9")
    for _ in range(2):
        warnings: list[str] = []
        assert [row["run"] for row in look(runs, warnings)] == ["good"]
        assert len(warnings) == 1
        assert "caf\\udce9: is not listed" in warnings[0]


@pytest.mark.parametrize(
    "query", [{"strategy": "\udce9"}, {"instrument": "\udce9"}, {"tags": ("ok", "\udce9")}]
)
def test_question_that_has_no_utf8_is_refused(query: dict[str, Any]) -> None:
    with pytest.raises(RunsError, match=r"must be text in UTF-8, was \\udce9"):
        RunsQuery(**query)


# --- lost, damaged, old


def damage_header(path: Path) -> None:
    path.write_bytes(b"no database at all" * 100)


def damage_pages(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[4096:] = os.urandom(len(content) - 4096)
    path.write_bytes(content)


def cut_off(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:5000])


def drop_table(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("DROP TABLE tags")
    connection.close()


@pytest.mark.parametrize("damage", [damage_header, damage_pages, cut_off, drop_table])
def test_damaged_index_is_made_anew_with_a_warning(
    runs: Path, done: Done, damage: Callable[[Path], None]
) -> None:
    for name in ("a", "b", "c"):
        add_tags(add_run(runs, done, name), [f"is-{name}"])
    before = look(runs)
    damage(runs / files.INDEX_FILE)
    warnings: list[str] = []

    assert look(runs, warnings) == before
    assert len(warnings) == 1
    assert "is made anew" in warnings[0]
    assert look(runs) == before


def test_lost_index_and_one_of_another_version_are_made_anew_silently(runs: Path, done: Done) -> None:
    add_tags(add_run(runs, done, "a"), ["kept"])
    before = look(runs)
    (runs / files.INDEX_FILE).unlink()
    assert look(runs) == before
    with sqlite3.connect(runs / files.INDEX_FILE) as connection:
        connection.execute("ALTER TABLE runs ADD COLUMN future TEXT")
        connection.execute(f"PRAGMA user_version = {index.VERSION + 1}")
    connection.close()
    assert look(runs) == before


def test_journal_of_a_lost_index_is_not_replayed_into_the_new_one(runs: Path, done: Done) -> None:
    add_run(runs, done, "a")
    look(runs)
    path = runs / files.INDEX_FILE
    held = sqlite3.connect(path, isolation_level=None)
    held.execute("INSERT INTO tags VALUES ('a', 'ghost')")  # in the journal while this process lives
    assert path.with_name(path.name + "-wal").stat().st_size > 0
    path.unlink()

    assert look(runs)[0]["tags"] == []
    held.close()
    assert look(runs)[0]["tags"] == []


def test_without_a_usable_file_all_records_are_read(runs: Path, done: Done) -> None:
    add_run(runs, done, "a")
    (runs / files.INDEX_FILE).mkdir()
    warnings: list[str] = []

    assert [row["run"] for row in look(runs, warnings)] == ["a"]
    assert "all records are read instead" in warnings[0]


def test_index_that_others_keep_is_a_try_again(
    runs: Path, done: Done, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_run(runs, done, "a")
    look(runs)
    monkeypatch.setattr(index, "BUSY_SECONDS", 0.05)
    other = sqlite3.connect(runs / files.INDEX_FILE, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(IndexBusyError, match="try again") as caught:
        look(runs)
    assert caught.value.exit_code == 75
    other.close()
    assert names(runs) == ["a"]


# --- many at once

WORKER = """
import json, sys
from pathlib import Path
from trading_platform.backtest.history.index import find_runs
from trading_platform.backtest.history.notes import add_tags
from trading_platform.backtest.history.query import RunsQuery
from trading_platform.record.run import write_run

runs, number, rounds = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
record = json.loads(Path(sys.argv[4]).read_text())
for round in range(rounds):
    name = f"w{number}-{round}"
    (runs / name).mkdir()
    (runs / name / "events.bin").write_bytes(b"")
    write_run(runs / name, record | {"run_id": name})
    add_tags(runs / name, [f"w{number}"])
    add_tags(runs / "shared", [name])
    if sys.argv[5] == "lose" and round % 3 == number % 3:
        (runs / "index.sqlite").unlink(missing_ok=True)
    rows = {row["run"]: row for row in find_runs(runs, RunsQuery(), print).rows}
    mine = {f"w{number}-{done}" for done in range(round + 1)}
    assert mine <= rows.keys(), mine - rows.keys()
    assert all(rows[name]["tags"] == [f"w{number}"] and rows[name]["status"] == "done" for name in mine)
    assert name in rows["shared"]["tags"]
"""


@pytest.mark.parametrize("mode", ["keep", "lose"])
def test_processes_that_finish_tag_and_look_at_once_see_all_they_did(
    runs: Path, done: Done, mode: str
) -> None:
    """Each process must find its own runs at once; "lose" deletes the index under the others' feet."""
    add_run(runs, done, "shared")
    source = done.directory / RUN_FILE
    workers, rounds = 4, 6
    arguments = [[str(runs), str(number), str(rounds), str(source), mode] for number in range(workers)]
    with ExitStack() as stack:
        processes = [
            stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-c", WORKER, *each],
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    text=True,
                    env=ENVIRONMENT,
                )
            )
            for each in arguments
        ]
        ended = [(process.communicate(timeout=300)[0], process.returncode) for process in processes]
    assert [code for _, code in ended] == [0] * workers, ended
    for said, _ in ended:  # the answers are right all the same: WORKER checks them
        assert all(mode == "lose" and files.INDEX_FILE in line for line in said.splitlines()), said

    made = sorted(f"w{number}-{round}" for number in range(workers) for round in range(rounds))
    assert names(runs, sort="run") == sorted([*made, "shared"])
    assert list(read_notes(runs / "shared").tags) == made
    with sqlite3.connect(runs / files.INDEX_FILE) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()


# --- questions


def test_filters_agree_with_a_plain_loop(runs: Path, done: Done) -> None:
    seed = 20
    print(f"seed {seed}")
    chance = random.Random(seed)
    for number in range(40):

        def change(record: dict[str, Any]) -> None:
            record["started"] = f"2026-01-{chance.randint(1, 28):02}T00:00:00.000000+00:00"
            record["summary"]["pnl"]["net"] = str(chance.randint(-500, 500) / 10)
            record["summary"]["fills"]["count"] = chance.randint(0, 5)
            record["status"] = chance.choice(["done", "failed", "interrupted"])
            if chance.random() < 0.2:
                record["summary"] = None

        directory = add_run(runs, done, f"r{number:02}", change)
        add_tags(directory, chance.sample(["a", "b", "c"], chance.randint(1, 2)))
    rows = look(runs)
    assert len(rows) == 40
    middle_ns = 1_768_435_200_000_000_000  # 2026-01-15
    checks: list[tuple[dict[str, Any], Callable[[dict[str, Any]], bool]]] = [
        ({"statuses": ("done", "failed")}, lambda row: row["status"] in ("done", "failed")),
        ({"tags": ("a", "b")}, lambda row: {"a", "b"} <= set(row["tags"])),
        ({"since_ns": middle_ns}, lambda row: row["started_ns"] >= middle_ns),
        ({"until_ns": middle_ns}, lambda row: row["started_ns"] < middle_ns),
        (
            {"where": (parse_condition("net>0"), parse_condition("fills <= 3"))},
            lambda row: row["net"] is not None and row["net"] > 0 and row["fills"] <= 3,
        ),
        ({"where": (parse_condition("net!=-1e9"),)}, lambda row: row["net"] is not None),
        ({"strategy": "TOUCH_maker:touch"}, lambda row: True),
        ({"instrument": "100%"}, lambda row: False),
    ]
    for query, keeps in checks:
        expected = {row["run"] for row in rows if keeps(row)}
        assert set(names(runs, **query)) == expected, query
    for sort in ("net", "-net"):
        values = [row["net"] for row in look(runs, sort=sort)]
        known = [value for value in values if value is not None]
        assert values == sorted(known, reverse=sort == "-net") + [None] * (40 - len(known))
    found = find_runs(runs, RunsQuery(statuses=("done",), limit=3), print)
    expected_count = sum(row["status"] == "done" for row in rows)
    assert (len(found.rows), found.matching, found.total) == (3, expected_count, 40)


@pytest.mark.parametrize("sort", [f"{sign}{key}" for key in SORTS for sign in ("", "-")])
def test_every_sort_key_is_a_column(runs: Path, done: Done, sort: str) -> None:
    add_run(runs, done, "a")
    assert names(runs, sort=sort) == ["a"]


@pytest.mark.parametrize(
    "text",
    [
        "net",
        "net>",
        "profit>0",
        "net>0; DROP TABLE runs",
        "net>0 OR 1=1",
        "net>(SELECT 1)",
        "net>nan",
        "net>inf",
        "run>0",
        "stamp=1",
        "net==1",
        "",
    ],
)
def test_condition_that_is_none_is_refused_before_it_is_sql(text: str) -> None:
    with pytest.raises(RunsError, match="--where"):
        parse_condition(text)


def test_texts_are_values_never_sql(runs: Path, done: Done) -> None:
    add_run(runs, done, "a")
    for text in ("'", "' OR '1'='1", "%", "_", "x'); DROP TABLE runs; --"):
        assert names(runs, strategy=text) == (["a"] if text == "_" else [])  # touch_maker has one
        assert names(runs, tags=(text,)) == []
    assert names(runs) == ["a"]


@pytest.mark.parametrize(("key", "value"), [("sort", "stamp"), ("sort", "net;"), ("statuses", ("gone",))])
def test_query_that_no_table_knows_is_refused(key: str, value: Any) -> None:
    with pytest.raises(RunsError, match="must be one of"):
        RunsQuery(**{key: value})


# --- tags and notes


def test_tags_and_note_are_in_the_directory_and_survive_the_index(runs: Path, done: Done) -> None:
    directory = add_run(runs, done, "a")
    add_tags(directory, ["b", "a", "b"])
    set_note(directory, "wider spread")
    remove_tags(directory, ["b"])
    look(runs)
    (runs / files.INDEX_FILE).unlink()

    assert read_notes(directory) == Notes(("a",), "wider spread")
    assert [(row["tags"], row["note"]) for row in look(runs)] == [(["a"], "wider spread")]
    set_note(directory, "")
    assert look(runs)[0]["note"] is None
    assert [path.name for path in directory.iterdir() if path.suffix == ".part"] == []


@pytest.mark.parametrize("tag", ["", "-x", "two words", "a\n", "x" * 65, "naïve", "a,b", "caf\udce9"])
def test_tag_that_is_none_is_refused_and_nothing_is_written(runs: Path, done: Done, tag: str) -> None:
    directory = add_run(runs, done, "a")
    with pytest.raises(RunsError, match="tag must be"):
        add_tags(directory, ["good", tag])
    assert not (directory / NOTES_FILE).exists()


def test_tag_that_is_not_there_cannot_be_removed(runs: Path, done: Done) -> None:
    directory = add_run(runs, done, "a")
    add_tags(directory, ["x", "y"])
    with pytest.raises(RunsError, match=r"one of the run's \(x, y\), was z"):
        remove_tags(directory, ["x", "z"])
    assert read_notes(directory).tags == ("x", "y")


def test_note_has_a_bound(runs: Path, done: Done) -> None:
    directory = add_run(runs, done, "a")
    with pytest.raises(RunsError, match="at most 10,000 characters, was 10,001"):
        set_note(directory, "x" * 10_001)


def test_note_that_has_no_utf8_is_refused_and_nothing_is_written(runs: Path, done: Done) -> None:
    directory = add_run(runs, done, "a")
    before = sorted(directory.iterdir())
    with pytest.raises(RunsError, match=r"UTF-8, was caf\\udce9"):
        set_note(directory, "caf\udce9")
    with pytest.raises(RunsError, match=r"was \\udce9"):
        remove_tags(directory, ["\udce9"])
    assert sorted(directory.iterdir()) == before


def test_what_is_no_run_takes_no_tags(tmp_path: Path) -> None:
    with pytest.raises(RunsError, match="must be a run directory"):
        add_tags(tmp_path, ["x"])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        '{"format": 2, "tags": [], "note": ""}',
        '{"format": 1, "tags": "x"}',
        r'{"format": 1, "tags": ["\ud800"], "note": ""}',
        r'{"format": 1, "tags": [], "note": "\ud800"}',
        "[" * 200_000,
    ],
    ids=range(7),
)
def test_damaged_notes_are_told_at_every_look_and_never_overwritten(
    runs: Path, done: Done, text: str
) -> None:
    directory = add_run(runs, done, "a")
    (directory / NOTES_FILE).write_text(text)
    for _ in range(2):
        warnings: list[str] = []
        assert [(row["run"], row["tags"]) for row in look(runs, warnings)] == [("a", [])]
        assert NOTES_FILE in warnings[0]
    with pytest.raises(EventLogError, match=NOTES_FILE):
        add_tags(directory, ["x"])
    assert (directory / NOTES_FILE).read_text() == text
    (directory / NOTES_FILE).unlink()
    assert look(runs)[0]["tags"] == []


# --- removing


def test_removing_takes_one_run_and_leaves_the_others(runs: Path, done: Done) -> None:
    for name in ("a", "b"):
        add_tags(add_run(runs, done, name), ["t"])
    before = {path.name for path in (runs / "b").iterdir()}
    remove_run(runs / "a", runs)

    assert names(runs) == ["b"]
    assert {path.name for path in (runs / "b").iterdir()} == before
    assert {path.name for path in runs.iterdir()} == {"b", files.INDEX_FILE}


def test_removal_that_was_cut_off_is_never_a_run_and_is_finished_by_the_next(runs: Path, done: Done) -> None:
    for name in ("a", "b"):
        add_run(runs, done, name)
    (runs / "a").rename(runs / f"{REMOVING}a")
    assert names(runs) == ["b"]
    remove_run(runs / "b", runs)
    assert {path.name for path in runs.iterdir()} == {files.INDEX_FILE}


def test_link_that_is_named_like_a_removal_is_taken_away_and_what_it_leads_to_is_not(
    runs: Path, done: Done, tmp_path: Path
) -> None:
    for name in ("a", "b"):
        add_run(runs, done, name)
    outside = add_run(tmp_path, done, "outside")
    (runs / f"{REMOVING}a").symlink_to(outside)
    (runs / f"{REMOVING}dead").symlink_to(tmp_path / "nowhere")
    (runs / f"{REMOVING}file").write_text("not ours")
    remove_run(runs / "a", runs)

    assert {path.name for path in runs.iterdir()} == {"b", f"{REMOVING}file"}
    assert is_run(outside)
    (runs / f"{REMOVING}b").write_text("in the way")
    with pytest.raises(RunsError, match="is a file: move it away"):
        remove_run(runs / "b", runs)
    assert is_run(runs / "b")


def test_removal_waits_for_who_writes_notes_and_both_end_well(
    runs: Path, done: Done, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The writer is stopped in the middle, with its half file there; the removal may go on only after it."""
    directory = add_run(runs, done, "a")
    write = record_module.write_json
    removals: list[Future[None]] = []
    waited: list[bool] = []

    def write_slowly(path: Path, content: Any) -> None:
        removals.append(other.submit(remove_run, directory, runs))
        wait(removals, timeout=0.3)
        waited.append(not removals[0].done() and directory.is_dir())
        write(path, content)

    monkeypatch.setattr(record_module, "write_json", write_slowly)
    with ThreadPoolExecutor(1) as other:
        assert add_tags(directory, ["x"]).tags == ("x",)

    assert (waited, removals[0].exception()) == ([True], None)
    assert list(runs.iterdir()) == []


@pytest.mark.parametrize("again", [False, True])
def test_run_that_is_removed_while_a_note_waits_is_told_and_nothing_is_written(
    runs: Path, done: Done, again: bool
) -> None:
    """``again``: another run of the same name is there by then. It is not the one that was meant."""
    directory = add_run(runs, done, "a")
    with ThreadPoolExecutor(1) as other:
        with locked(directory):
            change = other.submit(set_note, directory, "too late")
            wait([change], timeout=0.3)
            assert not change.done()
            shutil.rmtree(directory)
            if again:
                add_run(runs, done, "a")
        error = change.exception(timeout=60)

    assert type(error) is RunsError
    assert "was removed meanwhile" in str(error)
    assert [path.name for path in runs.rglob("*")] == (["a", RUN_FILE] if again else [])


TAGGER = """
import sys
from pathlib import Path
from trading_platform.backtest.history.files import RunsError
from trading_platform.backtest.history.notes import add_tags

run = Path(sys.argv[1])
for number in range(1_000_000):
    try:
        add_tags(run, [f"t{number % 5}"])
        if number == 0:
            print("ready", flush=True)
    except RunsError as error:
        print(error)
        break
"""


def test_process_that_tags_all_the_time_never_stops_a_removal(runs: Path, done: Done) -> None:
    for round in range(3):
        directory = add_run(runs, done, f"r{round}")
        with subprocess.Popen(
            [sys.executable, "-c", TAGGER, str(directory)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=ENVIRONMENT,
        ) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            remove_run(directory, runs)
            said, _ = process.communicate(timeout=60)
            assert process.returncode == 0, said
        assert "must be a run directory" in said
        assert list(runs.iterdir()) == []


def test_files_that_vanish_or_lead_nowhere_have_no_size(
    runs: Path, done: Done, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = add_run(runs, done, "a")
    size = (directory / RUN_FILE).stat().st_size
    (tmp_path / "far").write_bytes(b"x" * 1000)
    (directory / "far").symlink_to(tmp_path / "far")
    (directory / "nowhere").symlink_to(tmp_path / "absent")
    assert files.file_sizes(directory, follow_links=True) == {RUN_FILE: size, "far": 1000}
    links = (directory / "far").lstat().st_size + (directory / "nowhere").lstat().st_size
    assert run_bytes(directory) == size + links

    listed = [path.name for path in directory.iterdir()]
    monkeypatch.setattr(os, "listdir", lambda path: [*listed, "notes.json.part"])  # renamed since
    assert run_bytes(directory) == size + links
    monkeypatch.undo()
    shutil.rmtree(directory)
    with pytest.raises(RunsError, match="was removed meanwhile"):
        run_bytes(directory)


def test_only_run_directories_of_the_runs_directory_are_removed(
    runs: Path, done: Done, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_run(runs, done, "good")
    outside = add_run(tmp_path, done, "outside")
    (runs / "link").symlink_to(outside)
    (runs / "no-run").mkdir()
    (runs / "no-run" / "thesis.md").write_text("years of work")
    (add_run(runs, done, "nested") / "analysis").mkdir()
    add_run(runs, done, ".hidden")
    monkeypatch.chdir(runs / "good")
    refused = {
        outside: "must be in the runs directory",
        runs: "must be in the runs directory",
        runs / "good" / "..": "must be in the runs directory",
        runs / ".." / "outside": "must be in the runs directory",
        Path(): "must be in the runs directory",
        runs / "link": "symbolic link",
        runs / "no-run": "must be a run directory",
        runs / "nested": "holds the directory analysis",
        runs / ".hidden": "do not begin with a dot",
        runs / "absent": "must be a run directory",
    }
    before = sorted(tmp_path.rglob("*"))
    for path, why in refused.items():
        for force in (False, True):
            with pytest.raises(RunsError, match=why):
                remove_run(path, runs, force=force)
    assert sorted(tmp_path.rglob("*")) == before


def test_run_without_a_record_may_be_running_and_needs_force(runs: Path, done: Done) -> None:
    directory = add_unfinished(runs, done, "a")
    with pytest.raises(RunsError, match="--force"):
        check_removable(directory, runs)
    remove_run(directory, runs, force=True)
    assert not directory.exists()


def test_lock_of_a_directory_leaves_nothing_behind_and_can_be_shared(runs: Path) -> None:
    with locked(runs, shared=True), locked(runs, shared=True):
        pass
    with locked(runs):
        pass
    assert list(runs.iterdir()) == []
