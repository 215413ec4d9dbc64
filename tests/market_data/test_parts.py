"""The bundled market: what the script makes, and what hftbacktest makes of it."""

import ctypes
import importlib.util
import json
from decimal import Decimal
from types import ModuleType
from typing import Final

import numpy as np
import pytest
from hftbacktest import BacktestAsset, binding
from hftbacktest._hftbacktest import build_hashmap_backtest

from trading_platform.data.events import LOCAL_FLAG, EventArray
from trading_platform.data.files import load_events
from trading_platform.data.validate import validate_events

from .builders import PARTS, REPOSITORY

NAMES: Final = ("part-000.npz", "part-001.npz", "part-002.npz")
STEP_NS: Final = 10**12
OK, END, FEED = 0, 1, 2


@pytest.fixture(scope="module")
def script() -> ModuleType:
    path = REPOSITORY / "tests" / "data" / "scripts" / "make_parts.py"
    spec = importlib.util.spec_from_file_location("make_parts", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def parts() -> list[EventArray]:
    return [load_events(PARTS / name) for name in NAMES]


def test_script_makes_the_bundled_rows_again(script: ModuleType, parts: list[EventArray]) -> None:
    """By SHA-256 of the rows: the compressed bytes depend on the zlib that packs them."""
    manifest = json.loads((PARTS / "parts.json").read_text())

    again = [script.part_facts(name, rows) for name, rows in zip(NAMES, script.make_rows(), strict=True)]

    assert again == manifest["parts"]
    assert [script.part_facts(name, rows) for name, rows in zip(NAMES, parts, strict=True)] == manifest[
        "parts"
    ]


def test_parts_are_a_valid_market_of_useful_size(parts: list[EventArray]) -> None:
    facts = validate_events(parts, NAMES, Decimal("0.1"), Decimal("0.001"))

    assert facts.rows > 300_000
    assert facts.last_local_ns - facts.first_local_ns > 600 * 10**9
    assert facts.trade_count > 10_000
    assert facts.first_snapshot_row == 0
    assert 500_000 < facts.traded_min_ticks < facts.traded_max_ticks < 700_000
    assert sum((PARTS / name).stat().st_size for name in NAMES) < 3_000_000


def replay(data: list[object]) -> tuple[np.ndarray, int]:
    """Return (time, bid, ask, bid lots, ask lots) per block of the local side, and the trades seen."""
    asset = (
        BacktestAsset()
        .data(data)
        .linear_asset(1.0)
        .constant_order_latency(1_000_000, 1_000_000)
        .risk_adverse_queue_model()
        .no_partial_fill_exchange()
        .trading_value_fee_model(0.0, 0.0)
        .tick_size(0.1)
        .lot_size(0.001)
        .last_trades_capacity(1000)
    )
    engine = build_hashmap_backtest([asset])
    depth = binding.hashmapbt_depth(engine, 0)
    blocks, trades, count = [], 0, ctypes.c_uint64(0)
    while (code := binding.hashmapbt_wait_next_feed(engine, False, STEP_NS)) == FEED:
        binding.hashmapbt_last_trades(engine, 0, ctypes.byref(count))
        trades += count.value
        binding.hashmapbt_clear_last_trades(engine, 0)
        blocks.append(
            (
                binding.hashmapbt_current_timestamp(engine),
                binding.hashmapdepth_best_bid_tick(depth),
                binding.hashmapdepth_best_ask_tick(depth),
                round(binding.hashmapdepth_best_bid_qty(depth) * 1000),
                round(binding.hashmapdepth_best_ask_qty(depth) * 1000),
            )
        )
    binding.hashmapbt_last_trades(engine, 0, ctypes.byref(count))
    trades += count.value
    binding.hashmapbt_close(engine)
    assert code == END, f"replay ended with code {code}"
    return np.array(blocks, np.int64), trades


def test_engine_replays_the_parts_to_the_end_and_the_book_never_crosses(parts: list[EventArray]) -> None:
    blocks, trades = replay([str(PARTS / name) for name in NAMES])

    local_ns = np.concatenate([rows["local_ts"][(rows["ev"] & np.uint64(LOCAL_FLAG)) != 0] for rows in parts])
    times = np.unique(local_ns)
    assert np.array_equal(blocks[:, 0], times[: len(blocks)])
    assert len(blocks) >= len(times) - 1  # the last block comes with the end of the data
    assert trades == validate_events(parts, NAMES, Decimal("0.1"), Decimal("0.001")).trade_count
    _, bid, ask, bid_lots, ask_lots = blocks.T
    assert (bid < ask).all()
    assert (bid_lots > 0).all()
    assert (ask_lots > 0).all()
    assert 0.8 < (ask - bid == 1).mean() < 0.99


def test_engine_sees_the_same_in_parts_and_in_one_array(parts: list[EventArray]) -> None:
    whole, trades = replay([np.concatenate(parts)])
    split, split_trades = replay([np.array(rows) for rows in parts])

    assert np.array_equal(whole, split)
    assert trades == split_trades
