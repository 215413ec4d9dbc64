"""``data bars``: from files to a table, and what is refused before anything is written."""

import sys
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
from certify.markets import manifest_with

from cli.calling import Command
from trading_platform._jit import COMPILED
from trading_platform.core.bars.spec import BarGrid, BarSpec
from trading_platform.data.bars import make_bars
from trading_platform.data.files import load_events, save_events
from trading_platform.data.manifest import write_manifest
from trading_platform.data.synth import synthesize
from trading_platform.report.bar_table import bars_frame, load_bars

START_NS = 1_722_470_400_000_000_000
RULE = "from trading_platform.core.bars.rule import bar_rule\n@bar_rule\ndef r(builder, bar):\n    "
SIZES = ("--tick-size", "0.1", "--lot-size", "0.001")


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory of two event files that follow each other, the first with a manifest."""
    folder = tmp_path_factory.mktemp("market")
    rows = synthesize(3, START_NS, 20 * 10**9)
    save_events(folder / "a.npy", rows[: len(rows) // 2])
    save_events(folder / "b.npz", rows[len(rows) // 2 :])
    write_manifest(folder / "a.json", manifest_with())
    return folder


def test_a_directory_with_a_manifest_becomes_a_table(tool: Command, market: Path, tmp_path: Path) -> None:
    out = tmp_path / "bars.parquet"
    answer = tool("data", "bars", market, "--kind", "volume", "--size", "0.5", "--out", out)

    spec, files = BarSpec("volume", "0.5"), [market / "a.npy", market / "b.npz"]
    grid = BarGrid(Decimal("0.1"), Decimal("0.001"))
    made = make_bars(spec, grid, files)
    assert pl.read_parquet(out).equals(bars_frame(made))
    assert f"wrote {out} ({len(made.bars):,} volume bars of {made.trades:,} trades" in answer.out
    assert "next: python -c" in answer.out


def test_directories_follow_each_other_in_the_order_they_are_named(
    tool: Command, market: Path, tmp_path: Path
) -> None:
    for name in ("a.npy", "b.npz"):
        (tmp_path / name[0]).mkdir()
        save_events(tmp_path / name[0] / name, load_events(market / name))
    options = ("--kind", "tick", "--size", 10, *SIZES, "--out", tmp_path / "bars.npy", "--json")
    answer = tool("data", "bars", tmp_path / "a", tmp_path / "b" / "b.npz", *options)
    assert answer.json["rows"] == sum(len(load_events(market / name)) for name in ("a.npy", "b.npz"))
    wrong = tool("data", "bars", tmp_path / "b", tmp_path / "a", *options, "--overwrite")
    assert (wrong.code, "order the files by time" in wrong.err) == (2, True)


def test_json_tells_what_was_made(tool: Command, market: Path, tmp_path: Path) -> None:
    out = tmp_path / "bars.npy"
    answer = tool("data", "bars", market / "a.npy", "--kind", "tick", "--size", 10, "-o", out, "--json")

    bars = load_bars(out)
    assert answer.json == {
        "out": str(out),
        "kind": "tick",
        "size": "10",
        "bars": len(bars),
        "trades": 10 * len(bars) + answer.json["open_trades"],
        "open_trades": answer.json["open_trades"],
        "rows": len(load_events(market / "a.npy")),
        "tick_size": "0.1",
        "lot_size": "0.001",
    }
    assert 0 <= answer.json["open_trades"] < 10


def test_a_custom_rule_is_found_beside_the_caller(
    tool: Command, market: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "rules_of_a_test.py").write_text(
        "from trading_platform.core.bars.rule import bar_rule\n\n\n"
        "@bar_rule\ndef third(builder, bar):\n    return bar['trades'] >= builder['size'] + builder['params'][1]\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    options = ("--kind", "custom", "--size", 1, "--rule", "rules_of_a_test:third", "--param", 9, "--param", 2)
    assert tool("data", "bars", market / "a.npy", *options, "--out", "third.npy").code == 0
    assert set(load_bars(tmp_path / "third.npy")["trades"].tolist()) == {3}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--kind", "week", "--size", 1, *SIZES), ("bars.kind must be one of time, tick", "was 'week'")),
        (("--kind", "tick", "--size", "1.5", *SIZES), ("bars.size must be a multiple of 1, was 1.5",)),
        (("--kind", "tick", "--size", "ten", *SIZES), ("bars.size must be a decimal number, was 'ten'",)),
        (("--kind", "volume", "--size", "0.0005", *SIZES), ("multiple of 0.001", "nearest: 0.000 or 0.001")),
        (("--kind", "time", "--size", "-1", *SIZES), ("bars.size must be > 0, was -1",)),
        (("--kind", "tick", "--size", 1, "--tick-size", "0"), ("--tick-size must be > 0, was 0",)),
        (
            ("--kind", "tick", "--size", 1, "--tick-size", "x"),
            ("--tick-size must be a decimal number such as 0.1, was 'x'",),
        ),
        (
            ("--kind", "tick", "--size", 1, "--trades-max", 5),
            ("bars.trades_max must be left out for TICK bars, was 5",),
        ),
        (
            ("--kind", "tick", "--size", 1, "--span-bars", 20),
            ("bars.span_bars must be left out for TICK bars, was 20",),
        ),
        (
            ("--kind", "tick-run", "--size", 4, "--trades-min", 5),
            ("1 <= trades_min <= size", "had 5, 4 and 16"),
        ),
        (("--kind", "tick-run", "--size", 4, "--warmup-bars", 0), ("bars.warmup_bars must be 1 to", "was 0")),
        (("--kind", "custom", "--size", 1), ("bars.rule must be given for custom bars",)),
        (("--kind", "tick", "--size", 1, "--param", 1), ("bars.params must be left out for TICK",)),
        (
            ("--kind", "custom", "--size", 1, "--rule", "nowhere:r"),
            ("--rule: importing nowhere failed", "No module named 'nowhere'"),
        ),
        (("--kind", "custom", "--size", 1, "--rule", ":r"), ("--rule must be module:name, was ':r'",)),
        (
            ("--kind", "custom", "--size", 1, "--rule", ".here:r"),
            ("--rule must be module:name, was '.here:r'",),
        ),
        (("--kind", "custom", "--size", 1, "--rule", "json"), ("--rule must be module:name, was 'json'",)),
        (
            ("--kind", "custom", "--size", 1, "--rule", "json:dumps"),
            ("decorated with bar_rule", "json:dumps"),
        ),
    ],
)
def test_bad_options_are_named_and_nothing_is_written(
    tool: Command, market: Path, tmp_path: Path, options: tuple[object, ...], words: tuple[str, ...]
) -> None:
    answer = tool("data", "bars", market / "a.npy", *options, "--out", tmp_path / "bars.npy")
    assert answer.code == 2
    assert all(word in answer.err for word in words), answer.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("body", "code", "words"),
    [
        ("def (", 2, ("--rule: importing", "bad_rule.py", "line 1")),
        ("x = 1\ny = 1 / 0", 2, ("--rule: importing", "bad_rule.py:2", "ZeroDivisionError")),
        (RULE + "return bar['volume']", 1, ("bad_rule.py", "volume", "cure: ")),
        (
            RULE + "assert bar['trades'] > 1\n    return 1",
            1,
            ("bar rule r raised AssertionError", "at trade 0"),
        ),
    ],
    ids=["no Python", "raises on import", "does not compile", "raises at a trade"],
)
def test_a_rule_that_fails_is_told_in_words_and_nothing_is_written(
    tool: Command,
    market: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    body: str,
    code: int,
    words: tuple[str, ...],
) -> None:
    if not COMPILED and "volume" in body:
        pytest.skip("plain Python finds the missing field at the first trade")
    (tmp_path / "bad_rule.py").write_text(body)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "bad_rule", raising=False)
    options = ("--kind", "custom", "--size", 1, "--rule", "bad_rule:r", *SIZES)
    answer = tool("data", "bars", market / "a.npy", *options, "--out", tmp_path / "bars.npy")
    assert answer.code == code
    assert all(word in answer.err for word in words), answer.err
    assert "Traceback" not in answer.err
    assert not (tmp_path / "bars.npy").exists()


def test_contracts_that_are_inverse_by_their_venue_are_not_counted_as_base_currency(
    tool: Command, market: Path, tmp_path: Path
) -> None:
    """A contract of 100 USD times a price of 60,000 is no notional."""
    save_events(tmp_path / "a.npy", load_events(market / "a.npy"))
    write_manifest(tmp_path / "a.json", replace(manifest_with(), venue="binance-coinm"))
    out, options = tmp_path / "bars.npy", ("--kind", "notional", "--size", 1000)
    answer = tool("data", "bars", tmp_path / "a.npy", *options, "--out", out)
    assert answer.code == 2
    assert "binance-coinm are inverse: give --inverse and --contract-size" in answer.err
    assert not out.exists()
    contracts = ("--inverse", "--contract-size", 100)
    assert tool("data", "bars", tmp_path / "a.npy", *options, *contracts, "--out", out).code == 0


def test_bad_files_are_named_and_nothing_is_written(tool: Command, market: Path, tmp_path: Path) -> None:
    out, kind = tmp_path / "bars.npy", ("--kind", "tick", "--size", 5)
    for paths, words in (
        ((market / "b.npz",), "--tick-size must be given"),
        ((market / "absent.npy",), "must be an existing file, was absent"),
        ((market / "b.npz", market / "a.npy", *SIZES), "order the files by time"),
        ((tmp_path,), "must hold .npy or .npz files, holds none"),
    ):
        options = paths if "--tick-size" in paths or paths[0].suffix != ".npy" else (*paths, *SIZES)
        answer = tool("data", "bars", *options, *kind, "--out", out)
        assert (answer.code, words in answer.err) == (2, True), answer.err
    answer = tool("data", "bars", market, *kind, "--out", tmp_path / "bars.csv")
    assert (answer.code, "suffix must be .parquet" in answer.err) == (2, True)
    assert list(tmp_path.iterdir()) == []


def test_a_file_with_other_bars_is_kept_unless_told(tool: Command, market: Path, tmp_path: Path) -> None:
    out = tmp_path / "bars.npy"
    first = ("data", "bars", market, "--kind", "tick", "--out", out, "--size")
    assert tool(*first, 5).code == 0
    before = out.read_bytes()
    assert (tool(*first, 6).code, out.read_bytes()) == (2, before)
    assert tool(*first, 6, "--overwrite").code == 0
    assert out.read_bytes() != before


def test_a_manifest_that_is_no_json_is_named(tool: Command, market: Path, tmp_path: Path) -> None:
    save_events(tmp_path / "a.npy", load_events(market / "a.npy")[:100])
    (tmp_path / "a.json").write_text("{")
    answer = tool(
        "data", "bars", tmp_path / "a.npy", "--kind", "tick", "--size", 5, "--out", tmp_path / "o.npy"
    )
    assert (answer.code, "a.json: must be a manifest in JSON" in answer.err) == (2, True)
