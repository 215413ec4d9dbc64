"""Each kind of bar, worked out by hand."""

from decimal import Decimal

import numpy as np
import pytest

from trading_platform.core.bars.records import SUM_MAX
from trading_platform.core.bars.spec import BarGrid, BarSpec
from trading_platform.data.bars import BarStream
from trading_platform.model.enums import BarClose
from trading_platform.model.errors import ConfigError, DataError
from trading_platform.model.records import TRADE

from .builders import SECOND_NS, START_NS, UNIT, bars_of, fields, reasons, round_lots, trades_of

SIZE, EXPECTATION, CAP, WARMUP, RULE, GROWING = (
    BarClose.SIZE,
    BarClose.EXPECTATION,
    BarClose.CAP,
    BarClose.WARMUP,
    BarClose.RULE,
    BarClose.NONE,
)


def test_a_bar_adds_up_its_trades() -> None:
    trades = trades_of((0, 100, 3), (1, 104, -2), (1.5, 98, 5), (2, 101, -1))
    (bar,) = bars_of(BarSpec("tick", 4), trades)

    assert [int(bar[f"{name}_ticks"]) for name in ("open", "high", "low", "close")] == [100, 104, 98, 101]
    assert (bar["volume_lots"], bar["buy_lots"], bar["sell_lots"]) == (11, 8, 3)
    assert bar["notional_ticklots"] == 300 + 208 + 490 + 101
    assert (bar["trades"], bar["buy_trades"]) == (4, 2)
    assert (bar["first_trade"], bar["last_trade"], bar["number"]) == (0, 3, 0)
    assert (bar["start_ns"], bar["end_ns"]) == (START_NS, START_NS + 2 * SECOND_NS)
    assert (bar["open_mid_halfticks"], bar["close_mid_halfticks"], bar["quoted_trades"]) == (0, 0, 0)


def test_time_bars_lie_on_the_grid_of_the_clock_and_skip_empty_windows() -> None:
    trades = trades_of((0.5, 10, 1), (1.999999999, 12, 1), (2, 13, 1), (9, 9, 1), (10.1, 8, 1))
    bars = bars_of(BarSpec("time", 2), trades)

    spans = [((start - START_NS) // SECOND_NS, (end - START_NS) // SECOND_NS) for start, end in
             fields(bars, "start_ns", "end_ns")]  # fmt: skip
    assert spans == [(0, 2), (2, 4), (8, 10), (10, 12)]
    assert fields(bars, "open_ticks", "close_ticks", "trades") == [
        (10, 12, 2),
        (13, 13, 1),
        (9, 9, 1),
        (8, 8, 1),
    ]
    assert reasons(bars) == [SIZE, SIZE, SIZE, GROWING]


def test_volume_bars_close_with_the_trade_that_fills_them_and_carry_nothing_over() -> None:
    trades = trades_of(*((second, 100, lots) for second, lots in enumerate([4, 5, 1, 25, 9, 1, 3])))
    bars = bars_of(BarSpec("volume", 10), trades)
    assert fields(bars, "first_trade", "last_trade", "volume_lots") == [
        (0, 2, 10),
        (3, 3, 25),
        (4, 5, 10),
        (6, 6, 3),
    ]


def test_notional_bars_count_price_times_quantity_and_inverse_ones_contracts() -> None:
    trades = trades_of((0, 100, 3), (1, 50, 4), (2, 100, 6))
    linear = bars_of(BarSpec("notional", 500), trades)
    assert fields(linear, "last_trade", "notional_ticklots") == [(1, 500), (2, 600)]

    grid = BarGrid(Decimal("0.1"), Decimal(1), contract_size=Decimal(100), inverse=True)
    inverse = bars_of(BarSpec("notional", 700), trades, grid=grid)  # 7 contracts of 100 USD
    assert fields(inverse, "last_trade", "volume_lots") == [(1, 7), (2, 6)]


def test_a_notional_between_two_ticklots_is_rounded_up() -> None:
    grid = BarGrid(Decimal("0.5"), Decimal("0.3"))
    assert BarSpec("notional", "1.6").to_record(grid)["size"] == 11  # 1.6 / 0.15 = 10.67


def test_range_bars_close_with_the_trade_that_stretches_them() -> None:
    trades = trades_of(
        *((second, price, 1) for second, price in enumerate([100, 102, 99, 103, 103, 110, 95]))
    )
    bars = bars_of(BarSpec("range", 4), trades)
    assert fields(bars, "open_ticks", "high_ticks", "low_ticks", "close_ticks") == [
        (100, 103, 99, 103),
        (103, 110, 103, 110),
        (95, 95, 95, 95),
    ]


def test_renko_bricks_lie_on_multiples_and_turn_after_two_sizes() -> None:
    prices = [103, 109, 110, 119, 131, 125, 121, 119, 110, 90, 99, 109, 110]
    bars = bars_of(
        BarSpec("renko", 10), trades_of(*((second, price, 1) for second, price in enumerate(prices)))
    )
    assert fields(bars, "last_trade", "close_ticks", "bricks", "level_ticks") == [
        (2, 110, 1, 110),  # from 100, the multiple below the first price
        (4, 131, 2, 130),  # two bricks by one trade: one bar
        (8, 110, -1, 110),  # 119 is one size and a bit below 130: the brick down begins at 120
        (9, 90, -2, 90),
        (12, 110, 1, 110),  # 109 does not do: the brick up begins at 100
    ]


def test_tick_imbalance_bars_close_when_one_side_is_ahead_by_what_was_expected() -> None:
    sides = [1, 1, 1, -1, 1, 1, 1, -1, -1, -1]
    trades = trades_of(*((second, 100, side) for second, side in enumerate(sides)))
    bars = bars_of(BarSpec("tick-imbalance", 4, trades_min=1, trades_max=16, span_bars=3), trades)
    # after the warm-up: E[T] = 4, E[b] = 2/4: 2 ahead closes, after 2 trades. Then, with weight 1/2,
    # E[T] = 3, E[b] = 0.75: 2.25, so 3 ahead; the last four are 2 ahead at most
    assert fields(bars, "first_trade", "last_trade") == [(0, 3), (4, 5), (6, 9)]
    assert reasons(bars) == [WARMUP, EXPECTATION, GROWING]


def test_volume_and_notional_imbalance_weigh_trades() -> None:
    trades = trades_of((0, 10, 4), (1, 10, -2), (2, 20, -2), (3, 20, 3), (4, 20, -4), (5, 10, -1), (6, 10, 9))
    volume = bars_of(BarSpec("volume-imbalance", 2, trades_min=1, trades_max=8), trades)
    # warm-up: T = 2, (4 - 2) / 2 = 1: 2 lots
    assert fields(volume, "first_trade", "last_trade")[:3] == [(0, 1), (2, 2), (3, 3)]
    notional = bars_of(BarSpec("notional-imbalance", 2, trades_min=1, trades_max=8), trades)
    # warm-up: T = 2, (40 - 20) / 2 = 10: 20 tick-lots
    assert fields(notional, "first_trade", "last_trade")[:2] == [(0, 1), (2, 2)]
    assert reasons(notional)[:2] == [WARMUP, EXPECTATION]


def test_run_bars_close_when_one_side_did_enough_whatever_the_other_did() -> None:
    sides = [1, 1, 1, -1, 1, -1, -1, 1, -1, 1, -1, -1]
    trades = trades_of(*((second, 100, side) for second, side in enumerate(sides)))
    bars = bars_of(BarSpec("tick-run", 4, trades_min=1, trades_max=16), trades)
    # E[T] = 4, P[b=1] = 3/4: 3 trades of one side; the second bar has 3 sells before 3 buys
    assert fields(bars, "first_trade", "last_trade", "buy_trades")[:2] == [(0, 3, 3), (4, 8, 2)]
    assert reasons(bars)[:2] == [WARMUP, EXPECTATION]


def test_volume_run_expects_the_larger_side_by_share_times_mean() -> None:
    trades = trades_of(
        (0, 10, 6), (1, 10, 2), (2, 10, -12), (3, 10, 1), (4, 10, 13), (5, 10, -15), (6, 10, -1)
    )
    bars = bars_of(BarSpec("volume-run", 3, trades_min=1, trades_max=12), trades)
    # P = 2/3, E[v|buy] = 4, E[v|sell] = 12: 3 * max(8/3, 4) = 12 lots
    assert fields(bars, "first_trade", "last_trade")[:2] == [(0, 2), (3, 4)]


def test_a_threshold_that_no_trade_reaches_is_capped_and_a_tiny_one_floored() -> None:
    one_sided = [1] * 8
    mixed = [1, -1] * 10
    trades = trades_of(*((second, 100, side) for second, side in enumerate(one_sided + mixed)))
    capped = bars_of(BarSpec("tick-imbalance", 8, trades_max=9), trades)
    assert fields(capped, "first_trade", "last_trade")[:3] == [(0, 7), (8, 16), (17, 25)]
    assert reasons(capped)[:3] == [WARMUP, CAP, CAP]

    balanced = trades_of(*((second, 100, side) for second, side in enumerate(mixed)))
    floored = bars_of(BarSpec("tick-imbalance", 4, trades_min=3), balanced)
    # warm-up: E[b] = 0, so the threshold is 0 and only the floor holds
    assert fields(floored, "trades") == [(4,), (3,), (3,), (3,), (3,), (3,), (1,)]


def test_expectations_come_from_bars_that_are_over() -> None:
    """The trades of a bar must not move their own threshold: E[b] stays 1/2 while ten sells come."""
    sides = [1, 1, 1, -1] + [-1] * 10
    trades = trades_of(*((second, 100, side) for second, side in enumerate(sides)))
    bars = bars_of(BarSpec("tick-imbalance", 4, trades_min=1, trades_max=16), trades)
    assert fields(bars, "first_trade", "last_trade")[:2] == [(0, 3), (4, 5)]


def test_a_custom_rule_closes_bars_and_keeps_its_memory() -> None:
    prices = [101, 102, 105, 106, 107, 108, 110, 111]
    bars = bars_of(
        BarSpec("custom", 5, rule=round_lots, params=(4,)),
        trades_of(*((second, price, 1) for second, price in enumerate(prices))),
    )
    # 105 and 110 are multiples of 5; the 4th and the 8th call close too
    assert fields(bars, "last_trade") == [(2,), (3,), (6,), (7,)]
    assert reasons(bars) == [RULE, RULE, RULE, RULE]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"trades_min": 2}, "trades_min"),
        ({"trades_max": 9}, "trades_max"),
        ({"warmup_bars": 1}, "warmup_bars"),
        ({"span_bars": 20}, "span_bars"),
    ],
)
def test_what_a_kind_does_not_use_is_refused(changes: dict[str, int], words: str) -> None:
    """Even at the value it has by itself: who gives it believes that it does something."""
    with pytest.raises(
        ConfigError, match=rf"bars.{words} must be left out for VOLUME bars, was {changes[words]}"
    ):
        BarSpec("volume", 5, **changes).to_record(UNIT)
    BarSpec("volume-run", 5, **changes).to_record(UNIT)


def test_a_trade_without_a_side_or_out_of_order_is_refused_and_those_before_it_stay() -> None:
    for field, value, words in (
        ("side", 0, r"trade 1: side must be \+1 or -1, was 0"),
        ("ts_local_ns", START_NS - 1, f"trade 1: ts_local_ns must not fall, was {START_NS - 1} after"),
    ):
        trades = trades_of((0, 10, 1), (1, 11, 1), (2, 12, -1))
        trades[2][field] = value
        stream = BarStream(BarSpec("time", 60), UNIT)
        stream.add_trades(trades[:1])
        with pytest.raises(DataError, match=words):
            stream.add_trades(trades[1:])
        assert stream.trade_count == 2


def test_sums_end_before_int64_does() -> None:
    trades = np.zeros(5, TRADE)
    trades["price_ticks"], trades["qty_lots"], trades["side"] = 1 << 30, 1 << 30, 1
    bars = bars_of(BarSpec("tick", 100), trades)
    assert fields(bars, "trades", "notional_ticklots") == [(2, SUM_MAX), (2, SUM_MAX), (1, SUM_MAX >> 1)]
    assert reasons(bars) == [BarClose.BOUND, BarClose.BOUND, GROWING]


@pytest.mark.parametrize(("price", "lots"), [(0, 1), (5, 0), (-5, 1), (1 << 31, 1 << 31)])
def test_a_trade_that_does_not_fit_is_named_and_those_before_it_stay(price: int, lots: int) -> None:
    trades = trades_of((0, 10, 1), (1, 10, 1), (2, 10, 1))
    trades[2]["price_ticks"], trades[2]["qty_lots"] = price, lots
    stream = BarStream(BarSpec("tick", 9), BarGrid(Decimal(1), Decimal(1)))
    with pytest.raises(
        DataError, match=rf"trade 2: price and quantity must be > 0 .* {price} ticks and {lots} lots"
    ):
        stream.add_trades(trades)
    assert stream.trade_count == 2
