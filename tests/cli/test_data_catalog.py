"""``data ls``, ``show``, ``verify``, ``snapshot``, ``export`` and ``fetch``: the catalogue from the command line."""

import json
import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from market_data.archive import serve
from market_data.catalogue import put

from cli.calling import Command
from trading_platform.data.catalog import export, find_files
from trading_platform.data.certify.certify import Overrides
from trading_platform.data.certify.store import certify_files, write_certificates
from trading_platform.data.events import BUY_FLAG, DEPTH_CLEAR, DEPTH_SNAPSHOT, EXCH_FLAG, LOCAL_FLAG, TRADE
from trading_platform.data.files import load_events, save_events
from trading_platform.data.synth import synthesize

S = 10**9
START_NS = 1_722_470_400 * S  # 2024-08-01
NAME = "synth/BTC"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a catalogue with two days of one instrument and one of another."""
    root = tmp_path_factory.mktemp("catalogue")
    for day in (0, 1):
        rows = synthesize(day + 1, START_NS + day * 86_400 * S, 4 * S)
        put(root, rows, venue="synth", instrument="BTC", lot="0.001")
    put(root, rows, venue="synth", instrument="ETH", lot="0.001", report={"gap_count": 3})
    return root


@pytest.fixture
def root(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a copy that a test may change, as the catalogue of the environment."""
    copy = tmp_path / "data"
    shutil.copytree(made, copy)
    monkeypatch.setenv("TRADING_PLATFORM_DATA_ROOT", str(copy))
    return copy


def certify(root: Path, overrides: Overrides | None = None) -> Path:
    """Write a certificate beside the first file."""
    path = find_files(root)[0].path
    return write_certificates(certify_files([path], overrides=overrides), [path])[0]


# --- ls ---


def test_ls_tells_what_there_is_per_instrument(tool: Command, root: Path) -> None:
    certify(root)
    answer = tool("data", "ls")
    lines = [line.split() for line in answer.out.splitlines()]
    rows = [file.output.rows for file in find_files(root)]
    assert lines[0] == ["venue", "instrument", "days", "files", "rows", "bytes", "gaps", "certificate"]
    assert lines[1][:7] == [*NAME.split("/"), "2024-08-01", "to", "2024-08-02", "2", f"{rows[0] + rows[1]:,}"]
    assert lines[1][-4:] == ["1", "clean,", "1", "uncertified"]
    assert lines[2][-2:] == ["3", "uncertified"]
    assert answer.out.endswith("next: trading-platform data show synth/BTC\n")


def test_ls_as_json_and_of_a_root_that_is_named(
    tool: Command, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TRADING_PLATFORM_DATA_ROOT")
    first, second = tool("data", "ls", root, "--json").json["instruments"]
    assert (first["day_count"], first["files"], first["gaps"]) == (2, 2, 0)
    assert first["bytes"] == sum(file.path.stat().st_size for file in find_files(root, "synth", "BTC"))
    assert second["certificates"] == {"uncertified": 1}
    assert tool("data", "ls", root).out.endswith(f"data show synth/BTC --root {root}\n")


def test_ls_of_nothing_says_how_to_begin(
    tool: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "data").mkdir()
    monkeypatch.chdir(tmp_path)
    assert "next: trading-platform data convert SOURCE FILES" in tool("data", "ls").out
    answer = tool("data", "ls", "none")
    assert (answer.code, answer.out) == (2, "")
    assert "must be the directory of a catalogue, was absent" in answer.err


def test_what_is_no_part_of_the_layout_is_left_alone(tool: Command, root: Path) -> None:
    before = tool("data", "ls").out
    for name in (".convert-1/BTC/2024-08-01", "synth/BTC/notes", "synth/.hidden/2024-08-01"):
        (root / name).mkdir(parents=True)
        (root / name / "x.npy").write_bytes(b"")
    (root / "flat.npy").write_bytes(b"")
    (root / "synth" / "BTC" / "2024-08-01" / ".rows.npy.1.tmp").write_bytes(b"")
    assert tool("data", "ls").out == before


def test_a_broken_certificate_is_told(tool: Command, root: Path) -> None:
    certificate = certify(root)
    certificate.write_text("[]")
    answer = tool("data", "ls")
    assert answer.code == 2
    assert f"{certificate}: must be a valid certificate" in answer.err


def test_a_certificate_of_other_bytes_is_stale(tool: Command, root: Path) -> None:
    """A file that was converted again, with --overwrite, is not the one that was found clean."""
    certify(root)
    path = find_files(root)[0].path
    put_again = load_events(path)[:-1].copy()
    path.unlink()
    put(root, put_again, venue="synth", instrument="BTC", lot="0.001")

    certificates = tool("data", "ls", "--json").json["instruments"][0]["certificates"]
    assert certificates == {"stale": 1, "uncertified": 1}
    assert "certificate   stale" in tool("data", "show", f"{NAME}/2024-08-01").out


# --- show ---


def test_show_tells_everything_about_a_file_and_draws_its_price(tool: Command, root: Path) -> None:
    certify(root, Overrides(gap_ns=1))
    answer = tool("data", "show", f"{NAME}/2024-08-01")
    (file,) = find_files(root, "synth", "BTC", "2024-08-01")
    for text in (
        f"file          {file.path}",
        "received      2024-08-01T00:00:00.",
        "grid          tick 0.1, lot 0.001 (given)",
        "certificate   warnings",
        f"sha256        {file.output.sha256}",
        "price of trades, from the first row to the last:",
        "DEPTH_SNAPSHOT  ",
        f"next: trading-platform data export {file.path} --out rows.parquet",
    ):
        assert text in answer.out
    drawn = [line for line in answer.out.splitlines() if "⡇" in line]
    assert len(drawn) in (5, 6)
    assert tool("data", "show", file.path).out == answer.out


def test_show_of_an_instrument_lists_its_files(tool: Command, root: Path) -> None:
    answer = tool("data", "show", NAME)
    assert [line.split()[:2] for line in answer.out.splitlines()[1:3]] == [
        ["2024-08-01", "rows.npy"],
        ["2024-08-02", "rows.npy"],
    ]
    assert [one["day"] for one in tool("data", "show", NAME, "--json").json["files"]] == [
        "2024-08-01",
        "2024-08-02",
    ]


def test_show_as_json_holds_the_manifest_and_the_first_rows(tool: Command, root: Path) -> None:
    (file,) = find_files(root, "synth", "BTC", "2024-08-01")
    told = tool("data", "show", file.path, "--json").json
    assert told["manifest"] == json.loads(file.manifest.to_bytes())
    assert sum(told["kinds"].values()) == told["rows"] == file.output.rows
    first = load_events(file.path)[0]
    assert told["first_rows"][0] == {
        "kind": "DEPTH_SNAPSHOT",
        "side": "buy",
        "exch": True,
        "local": True,
        "exch_ns": int(first["exch_ts"]),
        "local_ns": int(first["local_ts"]),
        "price": float(first["px"]),
        "qty": float(first["qty"]),
    }


def test_show_of_a_file_without_a_manifest_tells_its_rows(tool: Command, tmp_path: Path) -> None:
    path = tmp_path / "book.npz"
    rows = np.array(synthesize(1, START_NS, S))
    save_events(path, rows[(rows["ev"] & 0xFF) != TRADE])
    answer = tool("data", "show", path)
    assert "rows, no manifest" in answer.out
    assert "no trades" in answer.out


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("synth", "must be an event file or VENUE/INSTRUMENT[/DAY], was synth"),
        ("synth/../BTC", "must be an event file or VENUE/INSTRUMENT[/DAY]"),
        ("synth/XRP", "synth/XRP must be in the catalogue"),
        (f"{NAME}/2024-08-05", "must have a file of 2024-08-05, has 2024-08-01 to 2024-08-02"),
        ("none.npy", "none.npy: must be an existing file, is absent"),
    ],
)
def test_show_of_what_is_not_there_says_what_is(tool: Command, root: Path, name: str, words: str) -> None:
    answer = tool("data", "show", name)
    assert answer.code == 2
    assert words in answer.err


# --- verify ---


def test_verify_of_an_untouched_catalogue(tool: Command, root: Path) -> None:
    answer = tool("data", "verify")
    assert answer.code == 0
    assert answer.out.startswith("same: 3 files, ")


def test_verify_names_every_difference_and_fails(tool: Command, root: Path) -> None:
    first, second, third = find_files(root)
    rows = np.array(load_events(first.path))
    rows["qty"][5] += 1
    save_events(first.path, rows, overwrite=True)
    second.path.write_bytes(second.path.read_bytes()[:-64])
    manifest = json.loads(third.manifest_path.read_text())
    manifest["output"]["last_local_ns"] += 1
    manifest["output"]["rows"] += 2
    manifest["venue"] = "other"
    third.manifest_path.write_text(json.dumps(manifest))

    answer = tool("data", "verify", "--json")
    assert answer.code == 1
    found = {(one["file"], one["what"]) for one in answer.json["differences"]}
    assert found == {
        (first.name, "sha256"),
        (second.name, "the file"),
        (third.name, "rows"),
        (third.name, "last_local_ns"),
        (third.name, "venue"),
    }
    text = tool("data", "verify", root)
    assert text.code == 1
    assert "3 of 3 files differ from their manifests" in text.out


def test_verify_tells_a_file_without_its_manifest(tool: Command, root: Path) -> None:
    find_files(root)[0].manifest_path.unlink()
    answer = tool("data", "verify")
    assert answer.code == 1
    assert "must be a readable manifest" in answer.out


# --- snapshot and export ---


def test_snapshot_writes_the_book_that_a_range_starts_from(tool: Command, root: Path, tmp_path: Path) -> None:
    from trading_platform.data.catalog import read_range

    out = tmp_path / "book.npy"
    answer = tool("data", "snapshot", NAME, "--at", "2024-08-01T00:00:02Z", "--out", out)
    cut = read_range(root, "synth", "BTC", START_NS + 2 * S, START_NS + 3 * S)
    assert cut.book is not None
    rows = load_events(out)
    assert rows.tobytes() == cut.book.snapshot.tobytes()
    assert (int(rows["ev"][0]) & 0xFF, int(rows["ev"][1]) & 0xFF) == (DEPTH_CLEAR, DEPTH_SNAPSHOT)
    assert f"wrote {out} (" in answer.out
    assert f"--set 'engine.initial_snapshot=\"{out}\"'" in answer.out
    told = tool("data", "snapshot", NAME, "--at", "2024-08-01T00:00:02Z", "-o", out, "--json").json
    assert told["bid_levels"] + told["ask_levels"] == len(rows) - 1
    assert told["best_bid"] < told["best_ask"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((NAME, "--at", "noon", "--out", "b.npy"), "--at must be an ISO 8601 time"),
        ((NAME, "--at", "2024-08-01", "--out", "b.npy"), "has none of 2024-07-31"),
        (
            (NAME, "--at", "2024-08-01T00:00:00.000000001Z", "--out", "b.npy"),
            "must have rows received before",
        ),
        ((NAME, "--at", "2024-08-09", "--out", "b.npy"), "has none of 2024-08-08 (there is 2024-08-01 to"),
        (("BTC", "--at", "2024-08-01", "--out", "b.npy"), "must be VENUE/INSTRUMENT, was BTC"),
        ((NAME, "--at", "2024-08-01", "--out", "b.csv"), "suffix must be .npy or .npz"),
    ],
)
def test_a_snapshot_that_cannot_be_made_writes_nothing(
    tool: Command, root: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], words: str
) -> None:
    monkeypatch.chdir(root)
    before = sorted(root.iterdir())
    answer = tool("data", "snapshot", *arguments)
    assert answer.code == 2
    assert words in answer.err
    assert sorted(root.iterdir()) == before


def test_export_decodes_every_row_in_pieces(
    tool: Command, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "EXPORT_ROWS", 200)
    out = tmp_path / "rows.parquet"
    answer = tool("data", "export", f"{NAME}/2024-08-01", "--out", out)
    (file,) = find_files(root, "synth", "BTC", "2024-08-01")
    rows, table = load_events(file.path), pl.read_parquet(out)

    assert f"wrote {out} ({len(rows):,} rows" in answer.out
    assert len(rows) > 2 * 200
    assert table.schema == {
        "kind": pl.Enum(["DEPTH", "TRADE", "DEPTH_CLEAR", "DEPTH_SNAPSHOT"]),
        "side": pl.Enum(["buy", "sell", "both"]),
        "exch": pl.Boolean,
        "local": pl.Boolean,
        "exch_ts": pl.Datetime("ns", "UTC"),
        "local_ts": pl.Datetime("ns", "UTC"),
        "price_ticks": pl.Int64,
        "lots": pl.Int64,
        "price": pl.Float64,
        "qty": pl.Float64,
    }
    for name, expected in (
        ("exch", (rows["ev"] & EXCH_FLAG) != 0),
        ("local", (rows["ev"] & LOCAL_FLAG) != 0),
        ("price", rows["px"]),
        ("qty", rows["qty"]),
        ("price_ticks", np.rint(rows["px"] * 10).astype(np.int64)),
        ("lots", np.rint(rows["qty"] * 1000).astype(np.int64)),
    ):
        assert np.array_equal(table[name].to_numpy(), expected), name
    for name in ("exch_ts", "local_ts"):
        assert np.array_equal(table[name].dt.timestamp("ns").to_numpy(), rows[name])
    assert np.array_equal((table["side"] == "buy").to_numpy(), (rows["ev"] & BUY_FLAG) != 0)
    assert np.array_equal((table["kind"] == "TRADE").to_numpy(), (rows["ev"] & 0xFF) == TRADE)


def test_export_is_whole_or_not_at_all(tool: Command, root: Path, tmp_path: Path) -> None:
    out = tmp_path / "rows.parquet"
    bad = tmp_path / "bad.npy"
    rows = np.array(synthesize(1, START_NS, S))
    rows["ev"][-1] |= 0xFF
    save_events(bad, rows)
    steps = ("--tick-size", "0.1", "--lot-size", "0.001")
    assert tool("data", "export", f"{NAME}/2024-08-01", "--out", out).code == 0
    before = out.read_bytes()
    kept = tool("data", "export", f"{NAME}/2024-08-02", "--out", out)
    assert (kept.code, out.read_bytes()) == (2, before)
    broken = tool("data", "export", bad, "--out", out, "--overwrite", *steps)
    assert broken.code == 2
    assert "kind (low byte of ev) must be one of" in broken.err
    assert out.read_bytes() == before
    assert {path.name for path in tmp_path.iterdir()} == {"data", "bad.npy", "rows.parquet"}
    assert tool("data", "export", f"{NAME}/2024-08-02", "--out", out, "--overwrite").code == 0
    assert out.read_bytes() != before


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((NAME, "--out", "x.parquet"), "must mean one file, means 2"),
        ((f"{NAME}/2024-08-01", "--out", "x.csv"), "suffix must be .parquet"),
        ((f"{NAME}/2024-08-01", "--out", "x.parquet", "--tick-size", "0.01"), "must be left out or 0.1"),
        (("bare.npy", "--out", "x.parquet"), "--tick-size must be given for a file without a manifest"),
        (
            ("bare.npy", "--out", "x.parquet", "--tick-size", "zero"),
            "--tick-size must be a decimal number such as 0.1, was 'zero'",
        ),
    ],
)
def test_an_export_that_is_not_clear_is_refused(
    tool: Command, root: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], words: str
) -> None:
    monkeypatch.chdir(root)
    save_events(root / "bare.npy", synthesize(1, START_NS, S))
    answer = tool("data", "export", *arguments)
    assert answer.code == 2
    assert words in answer.err
    assert not list(root.glob("x.*"))


# --- fetch ---


def test_fetch_from_another_address_tells_what_came(
    tool: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    options = ("--symbol", "BTCUSDT", "--market", "spot", "--kind", "trades", "--out", tmp_path)
    with serve() as archive:
        path = "/data/spot/daily/trades/BTCUSDT/BTCUSDT-trades-2024-08-08.zip"
        digest = archive.put(path, b"zipped trades")
        monkeypatch.setenv("TRADING_PLATFORM_BINANCE_ARCHIVE", archive.url())
        answer = tool("data", "fetch", "binance", *options, "--date", "2024-08-08")
        again = tool("data", "fetch", "binance", *options, "--date", "2024-08-08", "--json")
        absent = tool("data", "fetch", "binance", *options, "--date", "2024-08-09")
        busy = tool(
            "data", "fetch", "binance", *options, "--date", "2024-08-08", "--base-url", "http://127.0.0.1:1",
            "--attempts", 1,
        )  # fmt: skip

    file = tmp_path / "binance-spot" / "BTCUSDT" / "trades" / "BTCUSDT-trades-2024-08-08.zip"
    assert file.read_bytes() == b"zipped trades"
    assert f"fetched {file} (13 bytes; sha256 {digest[:16]})" in answer.err
    assert f"next: trading-platform data convert binance-public {file} --venue binance-spot " in answer.out
    assert again.json == [
        {"path": str(file), "sha256": digest, "size": 13, "how": "present", "resumed_bytes": 0}
    ]
    assert (absent.code, busy.code) == (2, 75)
    assert "HTTP 404 Not Found: the server has no such file" in absent.err
    assert "run the same command again later" in busy.err
