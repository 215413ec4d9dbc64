"""Runs with interpolated latencies: flat ones are the constant ones, others repeat, the record names the file."""

import json
from pathlib import Path

import numpy as np
import pytest
from cli.calling import Command
from oracle.builders import COMPILED, INTERPRETED, PARTS, Done, maker_config, run

from trading_platform._jit import COMPILED as IS_COMPILED
from trading_platform.backtest.verify import verify_run
from trading_platform.config.explain import explain
from trading_platform.config.oddities import find_oddities
from trading_platform.data.files import file_sha256, load_events
from trading_platform.data.latency import latencies_of_profile, load_latencies, save_latencies
from trading_platform.data.latency.file import rows_of
from trading_platform.model.errors import ConfigError, DataError

MS = 1_000_000
pytestmark = pytest.mark.skipif(not IS_COMPILED, reason="whole runs take minutes as plain Python")
PART = PARTS[:1]


def span() -> tuple[int, int]:
    rows = load_events(PART[0])
    return int(rows["local_ts"][0]), int(rows["local_ts"][-1])


def flat(path: Path, entry_ns: int, response_ns: int) -> Path:
    first_ns, last_ns = span()
    req = np.arange(first_ns - 10**9, last_ns, 10**8)
    save_latencies(path, rows_of(req, req + entry_ns, req + entry_ns + response_ns))
    return path


def with_file(path: Path, directory: Path, strategy: str = COMPILED) -> Done:
    latency = {"kind": "interpolated", "file": str(path)}
    return run(maker_config(PART, strategy, engine__latency=latency), directory)


def test_a_flat_file_is_the_constant_latency_fill_by_fill(tmp_path: Path) -> None:
    latency = {"kind": "constant", "entry_seconds": "0.01", "response_seconds": "0.02"}
    constant = run(maker_config(PART, engine__latency=latency), tmp_path / "constant")
    interpolated = with_file(flat(tmp_path / "flat.npz", 10 * MS, 20 * MS), tmp_path / "flat")

    assert len(constant.fills()) > 100
    assert interpolated.fills() == constant.fills()
    assert interpolated.digest == constant.digest


def test_drawn_latencies_repeat_in_both_forms_and_the_record_verifies(tmp_path: Path) -> None:
    path = tmp_path / "profile.npz"
    save_latencies(path, latencies_of_profile("same-region", *span(), seed=5))

    first, second = with_file(path, tmp_path / "a"), with_file(path, tmp_path / "b", INTERPRETED)

    assert first.digest == second.digest
    assert first.record["latency"] == {
        "path": str(path),
        "sha256": file_sha256(path),
        "rows": len(load_latencies(path)),
    }
    assert first.digest != with_file(flat(tmp_path / "flat.npz", 10 * MS, 20 * MS), tmp_path / "c").digest
    assert verify_run(tmp_path / "a").same
    save_latencies(path, latencies_of_profile("same-region", *span(), seed=6), overwrite=True)
    with pytest.raises(DataError, match=r"profile\.npz: sha256 must be"):
        verify_run(tmp_path / "a")


def test_a_file_for_another_time_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "later.npz"
    first_ns = span()[1] + 10**9
    save_latencies(path, latencies_of_profile("colocated", first_ns, first_ns + 10**10, seed=1))

    with pytest.raises(DataError, match=r"later\.npz: must be for the time of the data"):
        with_file(path, tmp_path / "run")


def test_a_timeout_within_a_round_trip_of_the_file_is_refused(tmp_path: Path) -> None:
    path = flat(tmp_path / "flat.npz", 10 * MS, 20 * MS)
    latency = {"kind": "interpolated", "file": str(path)}
    config = maker_config(PART, engine__latency=latency, engine__ack_timeout_seconds="0.03")

    with pytest.raises(
        ConfigError, match=r"must be > the longest round trip of .* \(30000000 ns\), was 0\.03"
    ):
        run(config, tmp_path / "run")


def test_the_config_is_told_in_words_and_its_file_is_looked_up_beside_it(tmp_path: Path) -> None:
    path = flat(tmp_path / "flat.npz", 10 * MS, 20 * MS)
    config = maker_config(PART, engine__latency={"kind": "interpolated", "file": str(path)})

    assert "order latencies are interpolated from flat.npz" in explain(config)["venue"]
    assert not [oddity for oddity in find_oddities(config) if oddity.code.startswith("LATENCY")]
    with pytest.raises(
        ConfigError, match=r"engine\.latency\.file must be an existing file, was \"none\.npz\""
    ):
        maker_config(PART, engine__latency={"kind": "interpolated", "file": "none.npz"})


def test_the_commands_write_files_that_a_run_takes(tool: Command, tmp_path: Path) -> None:
    feed, place = tmp_path / "feed.npz", tmp_path / "place.npz"
    made = tool(
        "data", "latency", "feed", PART[0], "--entry-factor", "1.5", "--floor", "0.002", "--out", feed
    )
    drawn = tool(
        "data", "latency", "profile", "colocated", "--data", PART[0], "--seed", 3, "-o", place, "--json"
    )

    assert (made.code, drawn.code) == (0, 0), made.err + drawn.err
    assert "entry     min " in made.out
    assert load_latencies(feed)["req_ts"][0] >= span()[0]
    assert (load_latencies(feed)["exch_ts"] - load_latencies(feed)["req_ts"]).min() >= 2 * MS
    assert drawn.json["seed"] == 3
    assert drawn.json["entry_ns"]["min"] >= 150_000
    value = json.dumps({"kind": "interpolated", "file": str(feed)}, separators=(",", ":"))
    assert f"next: trading-platform run --config CONFIG --set 'engine.latency={value}'" in made.out


def test_the_command_for_own_orders_says_what_it_left_out(tool: Command, tmp_path: Path) -> None:
    now = span()[0]
    csv = tmp_path / "orders.csv"
    csv.write_text(f"out,matched,back\n{now},{now + MS},{now + 2 * MS}\n{now + MS},,\n")
    answer = tool(
        "data", "latency", "orders", csv, "--columns", "out,matched,back", "-o", tmp_path / "own.npz"
    )

    assert answer.code == 0, answer.err
    assert "note: 1 requests without an answer were left out" in answer.out
    assert len(load_latencies(tmp_path / "own.npz")) == 1


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("profile", "moon", "--data", PART[0]), ("profile must be one of",)),
        (("profile", "colocated"), ("--data, or by --start and --end",)),
        (
            ("profile", "colocated", "--start", "2024-01-02", "--end", "2024-01-01"),
            ("--end must not be before",),
        ),
        (("feed", PART[0], "--floor", "0"), ("floor must be >= 1 ns",)),
        (("feed", PART[0], "--floor", "x"), ("--floor must be a decimal number",)),
        (("feed", PART[0], "--entry-factor", "-1"), ("--entry-factor must be 0 to 1000",)),
        (("feed", PART[0], "--entry-offset", "4000"), ("--entry-offset must be at most 3600 s",)),
        (("orders", "none.csv"), ("none.csv: must be a readable CSV file",)),
        (("orders", "none.csv", "--columns", "a,b"), ("--columns must be three names",)),
    ],
)
def test_bad_input_writes_nothing(
    tool: Command, tmp_path: Path, options: tuple[object, ...], words: tuple[str, ...]
) -> None:
    answer = tool("data", "latency", *options, "--out", tmp_path / "out.npz")

    assert answer.code == 2
    assert all(word in answer.err for word in words), answer.err
    assert list(tmp_path.iterdir()) == []
