"""Bars do not depend on how the stream is cut, compiled or plain, and they tile it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trading_platform.core.bars.records import BAR, BUILDER
from trading_platform.core.bars.spec import ADAPTIVE, KINDS
from trading_platform.model.enums import BarClose

from .builders import SPECS, UNIT, bars_of, random_trades

COUNT = 300
SEEDS = st.integers(0, 2**32 - 1)
CUTS = st.lists(st.integers(0, COUNT), max_size=12)


@pytest.mark.parametrize("kind", SPECS)
@settings(max_examples=8, deadline=None)
@given(seed=SEEDS, cuts=CUTS)
def test_any_cuts_of_the_stream_give_the_bars_of_the_whole(kind: str, seed: int, cuts: list[int]) -> None:
    trades = random_trades(COUNT, seed)
    whole, pieces = bars_of(SPECS[kind], trades), bars_of(SPECS[kind], trades, cuts)
    assert whole.tobytes() == pieces.tobytes()
    assert len(whole) > 3


@pytest.mark.parametrize("kind", SPECS)
@settings(max_examples=8, deadline=None)
@given(seed=SEEDS)
def test_bars_tile_the_trades_and_add_up(kind: str, seed: int) -> None:
    trades = random_trades(COUNT, seed)
    bars = bars_of(SPECS[kind], trades)

    assert bars["number"].tolist() == list(range(len(bars)))
    assert bars["first_trade"].tolist() == [0, *(bars["last_trade"][:-1] + 1)]
    assert bars["last_trade"][-1] == COUNT - 1
    assert (bars["reason"][:-1] != BarClose.NONE).all()
    for bar in bars:
        inside = trades[bar["first_trade"] : bar["last_trade"] + 1]
        prices, lots = inside["price_ticks"], inside["qty_lots"]
        assert (bar["open_ticks"], bar["close_ticks"]) == (prices[0], prices[-1])
        assert (bar["high_ticks"], bar["low_ticks"]) == (prices.max(), prices.min())
        assert (bar["volume_lots"], bar["notional_ticklots"]) == (lots.sum(), (lots * prices).sum())
        assert bar["buy_lots"] == lots[inside["side"] > 0].sum()
        assert bar["buy_lots"] + bar["sell_lots"] == bar["volume_lots"]
        assert (bar["trades"], bar["buy_trades"]) == (len(inside), (inside["side"] > 0).sum())
        assert bar["start_ns"] <= inside["ts_local_ns"][0] <= inside["ts_local_ns"][-1] <= bar["end_ns"]


@pytest.mark.parametrize("kind", [name for name in SPECS if KINDS[name] in ADAPTIVE])
@settings(max_examples=8, deadline=None)
@given(seed=SEEDS)
def test_adaptive_bars_stay_between_floor_and_cap(kind: str, seed: int) -> None:
    record = SPECS[kind].to_record(UNIT)
    bars = bars_of(SPECS[kind], random_trades(COUNT, seed))[:-1]
    warmup = int(record["warmup_bars"])
    assert (bars["trades"][:warmup] == record["size"]).all()
    assert (bars["reason"][:warmup] == BarClose.WARMUP).all()
    assert ((bars["trades"] >= record["trades_min"]) & (bars["trades"] <= record["trades_max"])).all()
    capped = bars[bars["reason"] == BarClose.CAP]
    assert (capped["trades"] == record["trades_max"]).all()


def test_records_are_numbers_of_eight_bytes() -> None:
    """A narrow or unsigned field would behave differently compiled and plain."""
    for dtype in (BAR, BUILDER):
        assert {dtype[name].base.str for name in dtype.names or ()} <= {"<i8", "<f8"}
        assert dtype.itemsize == 8 * sum(int(np.prod(dtype[name].shape)) for name in dtype.names or ())
