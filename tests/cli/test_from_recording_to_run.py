"""Each recording of Binance becomes certified data of a catalogue and a run from it, with one command each."""

import filecmp
from pathlib import Path

import pytest
from oracle.builders import REPOSITORY, recordings

from cli.calling import Command
from trading_platform._jit import COMPILED

pytestmark = pytest.mark.skipif(not COMPILED, reason="hundreds of thousands of rows: minutes in plain Python")
MARKETS = {  # config in examples/binance: source, recordings, rows
    "btcusdt": ("binance-usdm", ("binance_usdm_btcusdt_20240808.gz",), 491_973),
    "btcusd_perp": (
        "binance-coinm",
        ("binance_coinm_btcusd_perp_20240808.gz", "binance_coinm_btcusd_perp_20240809.gz"),
        671_812,
    ),
    "spot_btcusdt": (
        "binance-spot",
        ("binance_spot_btcusdt_20240808.gz", "binance_spot_btcusdt_20240809.gz"),
        420_448,
    ),
}


@pytest.mark.parametrize("market", MARKETS)
def test_convert_certify_and_run_take_one_command_each(tool: Command, tmp_path: Path, market: str) -> None:
    source, names, rows = MARKETS[market]
    config, root = REPOSITORY / "examples" / "binance" / f"{market}.json", tmp_path / "data"

    made = tool("data", "convert", source, *recordings(*names), "--out", root, "--json").json["files"]
    assert sum(one["rows"] for one in made) == rows
    assert {"errors"}.isdisjoint(one["verdict"] for one in made)
    (told,) = tool("data", "ls", root, "--json").json["instruments"]
    assert (told["rows"], sum(told["certificates"].values())) == (rows, len(made))

    certificates = {path: path.read_bytes() for path in root.rglob("*.certificate.json")}
    assert tool("data", "certify", root).code == 0
    assert {path: path.read_bytes() for path in certificates} == certificates

    record = tool(
        *("run", "--config", config, "--set", f"engine.data.root={root}"),
        *("--set", f"output.directory={tmp_path / 'runs'}", "--set", "output.run_id=one", "--json"),
    ).json
    assert record["status"] == "done"
    assert [one["certificate"]["verdict"] for one in record["data"]] == [one["verdict"] for one in made]
    assert sum(one["rows"] for one in record["data"]) == rows


def test_converting_twice_gives_the_same_files_byte_by_byte(tool: Command, tmp_path: Path) -> None:
    source, names, _rows = MARKETS["btcusd_perp"]
    for root in ("first", "second"):
        assert tool("data", "convert", source, *recordings(*names), "--out", tmp_path / root).code == 0
    files = sorted(
        path.relative_to(tmp_path / "first") for path in (tmp_path / "first").rglob("*") if path.is_file()
    )
    assert len(files) == 9, "rows, manifest and certificate of three files"
    same, other, failed = filecmp.cmpfiles(tmp_path / "first", tmp_path / "second", files, shallow=False)
    assert (len(same), other, failed) == (9, [], [])


def test_a_catalogue_is_certified_instrument_by_instrument(tool: Command, tmp_path: Path) -> None:
    root = tmp_path / "data"
    for market in ("btcusdt", "btcusd_perp"):
        source, names, _rows = MARKETS[market]
        assert tool("data", "convert", source, *recordings(*names), "--out", root).code == 0
    told = {path: path.read_bytes() for path in root.rglob("*.certificate.json")}

    answer = tool("data", "certify", root, "--json").json

    assert {Path(one["path"]): Path(one["path"]).read_bytes() for one in answer["files"]} == told
    assert answer["verdict"] == "warnings"
    both = tool("data", "clean", root, "--fix", "LATENCY", "--out", tmp_path / "cleaned")
    assert both.code == 2
    assert "PATH must be one stream, was 2" in both.err
