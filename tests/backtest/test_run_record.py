"""``run.json`` says what was run, with what, and what came of it; nothing in a run directory is written twice."""

import hashlib
import json
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from blake3 import blake3
from jsonschema import Draft202012Validator
from oracle.builders import COMPILED, Done, maker_config, run

from trading_platform.backtest.engine import run_backtest
from trading_platform.data.files import load_events
from trading_platform.eventlog.export import LogNames, to_rows
from trading_platform.eventlog.header import HEADER_BYTES
from trading_platform.model.enums import CommandKind, DenyCode, EventFlag, EventKind, ReportKind
from trading_platform.model.errors import ConfigError, EventLogError
from trading_platform.record.names import LOG_FILE
from trading_platform.record.run import new_run_directory, read_run

SCHEMAS = files("trading_platform.core") / "schemas"


def schema(name: str) -> Draft202012Validator:
    return Draft202012Validator(json.loads((SCHEMAS / name).read_text(encoding="utf-8")))


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_directory_holds_record_log_tables_and_summary(done: Done) -> None:
    names = {path.name for path in done.directory.iterdir()}

    assert names == {
        "config.json",
        "run.json",
        "events.bin",
        "summary.json",
        "stats.npz",
        *(f"{table}.parquet" for table in ("events", "orders", "fills", "equity")),
    }


def test_record_is_valid_and_is_what_the_call_returned(done: Done) -> None:
    written = json.loads((done.directory / "run.json").read_text(encoding="utf-8"))

    schema("run.schema.json").validate(written)
    assert written == json.loads(json.dumps(done.record)) == read_run(done.directory)
    assert written["summary"] == json.loads((done.directory / "summary.json").read_text(encoding="utf-8"))


def test_record_names_the_run_and_how_it_ended(done: Done) -> None:
    record = done.record

    assert (record["status"], record["stop"]) == ("done", "END_OF_DATA")
    assert (record["run_id"], record["id"], record["scope"]) == ("run", "binance-btcusdt", "binance-btcusdt")
    assert "error" not in record


def test_config_hash_is_that_of_the_canonical_config(done: Done) -> None:
    canonical = json.dumps(done.record["config"], sort_keys=True, separators=(",", ":"))

    assert done.record["config_sha256"] == sha256(canonical.encode())
    assert done.record["config"]["risk"]["position_limits"]["max_position"] == "0.2"


def test_digest_is_the_blake3_of_the_record_bytes(done: Done) -> None:
    content = (done.directory / LOG_FILE).read_bytes()[HEADER_BYTES:]

    assert done.record["log_digest"] == blake3(content).hexdigest()
    assert done.record["log"] == {
        "events": len(done.events),
        "checkpoints": [
            blake3(content[: 65_536 * 128 * n]).hexdigest() for n in range(1, len(done.events) // 65_536 + 1)
        ],
    }


def test_data_and_strategy_are_named_with_their_hashes(done: Done, slice_file: Path) -> None:
    assert done.record["data"] == [
        {
            "path": str(slice_file),
            "sha256": sha256(slice_file.read_bytes()),
            "rows": len(load_events(slice_file)),
            "certificate": {
                "verdict": "uncertified",
                "certificate_sha256": None,
                "findings": {"info": 0, "warning": 0, "error": 0},
            },
        }
    ]
    strategy = done.record["strategy"]
    assert strategy["class_path"] == COMPILED
    assert "touch_maker.py" in strategy["files"]
    assert len(strategy["sha256"]) == 64


def test_versions_and_platform_are_recorded(done: Done) -> None:
    for name in ("hftbacktest", "numpy", "numba", "llvmlite"):
        assert done.record["versions"][name] == version(name)
    assert {"trading_platform", "python"} <= done.record["versions"].keys()
    assert {"machine", "system", "libm", "cpu"} <= done.record["platform"].keys()


def test_summary_counts_what_the_log_holds(done: Done) -> None:
    summary, events = done.record["summary"], done.events
    fills, sent, denied = done.of(EventKind.FILL), done.of(EventKind.SENT), done.of(EventKind.DENIED)
    status = done.of(EventKind.STATUS)
    repeated = (denied["flags"] & EventFlag.COALESCED) != 0

    assert summary["fills"]["count"] == len(fills) > 50
    assert summary["orders"]["sent"] == (sent["a"] == CommandKind.NEW).sum()
    assert summary["orders"]["cancels_sent"] == (sent["a"] == CommandKind.CANCEL).sum()
    assert summary["orders"]["acked"] == (status["a"] == ReportKind.ACK).sum()
    assert summary["orders"]["replaced"] == len(done.of(EventKind.REPLACED)) > 0
    assert summary["orders"]["denied"]["total"] == (~repeated).sum() + denied["c"][repeated].sum() > 0
    assert summary["orders"]["denied"]["by_code"].keys() == {
        DenyCode(code).name for code in set(denied["code"].tolist())
    }
    assert summary["log"] == {"events": len(events), "digest": done.digest}
    assert summary["run"]["wakeups"] == done.record["wakeups"] > 1000
    assert float(summary["position"]["final_qty"]) == pytest.approx(
        done.of(EventKind.PNL)[-1]["qty_lots"] / 1000
    )
    assert float(summary["pnl"]["net"]) == pytest.approx(done.of(EventKind.PNL)[-1]["a"] / 1e9)
    assert float(summary["pnl"]["fees"]) == pytest.approx(fills["a"].sum() / 1e9)
    assert max(abs(fills["c"])) <= 200, "the position limit of 0.2 held"


def test_exported_events_are_valid_against_the_schema(done: Done) -> None:
    """Every hundredth event, and the first of each kind."""
    kinds = {int(kind): index for index, kind in reversed(list(enumerate(done.events["kind"])))}
    chosen = sorted({*range(0, len(done.events), 100), *kinds.values()})
    names = LogNames(("BTCUSDT",), ("0",), ("binance-btcusdt",))
    validator = schema("events.schema.json")

    rows = list(to_rows(done.events[chosen], names))
    assert len(rows) == len(chosen)
    assert len(kinds) >= 8
    for row in rows:
        validator.validate(row)


def test_events_are_numbered_without_a_hole_and_time_never_goes_back(done: Done) -> None:
    assert (done.events["seq"] == range(1, len(done.events) + 1)).all()
    assert (done.events["now_ns"][1:] >= done.events["now_ns"][:-1]).all()
    assert (done.events["cause_seq"] < done.events["seq"]).all()


def test_a_finished_run_is_not_overwritten_by_another_into_its_directory(
    slice_file: Path, tmp_path: Path
) -> None:
    config = maker_config((slice_file,), engine__max_wakeups=50)
    run(config, tmp_path / "run")
    before = {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir()}

    with pytest.raises(EventLogError, match="must not exist"):
        run_backtest(config, tmp_path / "run")
    after = {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir()}
    assert [name for name in before if after.get(name) != before[name]] == []


def test_a_named_run_directory_that_exists_is_refused_and_an_unnamed_one_is_new(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    with pytest.raises(ConfigError, match="must not exist"):
        new_run_directory(tmp_path, "id", "mine")

    made = {new_run_directory(tmp_path, "id", None) for _ in range(3)}
    assert len(made) == 3


@pytest.mark.parametrize(
    ("content", "words"),
    [(None, "unfinished"), (b"{", "damaged"), (b'{"format": 1}', "damaged"), (b"[]", "damaged")],
)
def test_unfinished_and_damaged_records_say_so(tmp_path: Path, content: bytes | None, words: str) -> None:
    if content is not None:
        (tmp_path / "run.json").write_bytes(content)
    with pytest.raises(EventLogError, match=words):
        read_run(tmp_path)


def test_absent_run_says_so(tmp_path: Path) -> None:
    with pytest.raises(EventLogError, match="is absent"):
        read_run(tmp_path / "nowhere")


def test_max_wakeups_stops_after_exactly_that_many_calls_of_the_same_run(
    slice_file: Path, tmp_path: Path
) -> None:
    whole = run(maker_config((slice_file,), output__stats_interval_seconds=0), tmp_path / "whole")
    part = run(
        maker_config((slice_file,), engine__max_wakeups=700, output__stats_interval_seconds=0),
        tmp_path / "part",
    )

    assert (part.record["status"], part.record["stop"], part.record["wakeups"]) == (
        "done",
        "MAX_WAKEUPS",
        700,
    )
    body: Any = part.events[part.events["kind"] != EventKind.PNL]
    assert len(body) > 100
    assert body.tobytes() == whole.events[: len(body)].tobytes(), (
        "a shorter run is the beginning of the longer one"
    )
