"""Trades by hand and by seed, and the bars they make."""

from collections.abc import Sequence
from decimal import Decimal
from itertools import pairwise
from typing import Any, Final

import numpy as np

from trading_platform.core.bars.records import BAR
from trading_platform.core.bars.rule import bar_rule
from trading_platform.core.bars.spec import KINDS, BarGrid, BarSpec
from trading_platform.data.bars import BarStream
from trading_platform.model.enums import BarClose
from trading_platform.model.records import TRADE, Records

SECOND_NS: Final = 10**9
START_NS: Final = 1_723_161_600 * SECOND_NS  # 2024-08-09T00:00:00Z
UNIT: Final = BarGrid(Decimal(1), Decimal(1))  # prices are ticks, quantities lots


@bar_rule
def round_lots(builder: np.void, bar: np.void) -> int:
    """Close when the last price is a multiple of the size, or every params[0]-th call."""
    builder["memory"][0] += 1
    return bar["close_ticks"] % builder["size"] == 0 or builder["memory"][0] % builder["params"][0] == 0


SPECS: Final = {
    "time": BarSpec("time", 3),
    "tick": BarSpec("tick", 7),
    "volume": BarSpec("volume", 60),
    "notional": BarSpec("notional", 60_000),
    "range": BarSpec("range", 5),
    "renko": BarSpec("renko", 4),
    "tick-imbalance": BarSpec("tick-imbalance", 8, span_bars=5),
    "volume-imbalance": BarSpec("volume-imbalance", 8, trades_min=1, trades_max=40, warmup_bars=3),
    "notional-imbalance": BarSpec("notional-imbalance", 8, trades_max=12),
    "tick-run": BarSpec("tick-run", 8, trades_min=2),
    "volume-run": BarSpec("volume-run", 8, span_bars=1),
    "notional-run": BarSpec("notional-run", 8, trades_min=8, trades_max=8),
    "custom": BarSpec("custom", 5, rule=round_lots, params=(11,)),
}
assert set(SPECS) == set(KINDS)


def trades_of(*rows: tuple[float, int, int]) -> Records:
    """Return trades from (seconds after START_NS, price in ticks, signed lots: negative for a seller)."""
    trades = np.zeros(len(rows), TRADE)
    for trade, (seconds, price_ticks, lots) in zip(trades, rows, strict=True):
        trade["ts_local_ns"] = START_NS + round(seconds * SECOND_NS)
        trade["price_ticks"], trade["qty_lots"] = price_ticks, abs(lots)
        trade["side"] = 1 if lots > 0 else -1
    return trades


def random_trades(count: int, seed: int) -> Records:
    """Return a walk of prices around 1000 ticks, with gaps in time and runs of one side."""
    print(f"random trades: seed {seed}, {count} trades")
    random = np.random.default_rng(seed)
    trades = np.zeros(count, TRADE)
    pauses_ns = (random.exponential(0.3, count) * SECOND_NS).astype(np.int64)
    trades["ts_local_ns"] = START_NS + np.cumsum(np.where(random.random(count) < 0.3, 0, pauses_ns))
    trades["price_ticks"] = 1000 + np.cumsum(random.integers(-3, 4, count)).clip(-900)
    trades["qty_lots"] = random.integers(1, 30, count)
    drift = np.sin(np.arange(count) / 25.0) * 0.4
    trades["side"] = np.where(random.random(count) < 0.5 + drift, 1, -1)
    return trades


def bars_of(spec: BarSpec, trades: Records, cuts: Sequence[int] = (), grid: BarGrid = UNIT) -> Records:
    """Return the closed bars and the growing one, last, of a stream that is fed in pieces."""
    stream = BarStream(spec, grid)
    edges = [0, *sorted(cuts), len(trades)]
    made = [stream.add_trades(trades[first:last]) for first, last in pairwise(edges)]
    growing = stream.growing
    return np.concatenate([np.zeros(0, BAR), *made, growing[growing["trades"] > 0]])


def fields(bars: Records, *names: str) -> list[tuple[Any, ...]]:
    """Return some fields of each bar as plain numbers."""
    return [tuple(int(bar[name]) for name in names) for bar in bars]


def reasons(bars: Records) -> list[BarClose]:
    """Return why each bar closed."""
    return [BarClose(int(bar["reason"])) for bar in bars]
