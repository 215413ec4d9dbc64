"""A stream in pieces, down to single values, gives the bits of the whole; arguments out of bounds are named."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trading_platform.core.indicators import averages, batch, flow, momentum, returns
from trading_platform.core.indicators.book import imbalance, microprice_ticks
from trading_platform.core.indicators.window import WINDOW, WINDOW_MAX
from trading_platform.model.errors import ConfigError
from trading_platform.model.records import RecordDtype, Records

from .builders import bars, trades, walk

COUNT = 120
Case = tuple[RecordDtype, Callable[..., Any], Callable[[int], tuple[Any, ...]], tuple[Any, ...]]
CASES: dict[str, Case] = {
    "ewma": (averages.EWMA, batch.ewma, lambda seed: (walk(COUNT, seed),), (0.1, 5)),
    "sma": (WINDOW, batch.sma, lambda seed: (walk(COUNT, seed),), (7,)),
    "macd": (averages.MACD, batch.macd, lambda seed: (walk(COUNT, seed),), (3, 8, 4)),
    "bollinger": (averages.BOLLINGER, batch.bollinger, lambda seed: (walk(COUNT, seed),), (9, 2.0)),
    "rsi": (momentum.RSI, batch.rsi, lambda seed: (walk(COUNT, seed),), (6,)),
    "atr": (momentum.ATR, batch.atr, lambda seed: bars(COUNT, seed), (6,)),
    "simple_return": (returns.RETURN, batch.simple_return, lambda seed: (walk(COUNT, seed),), ()),
    "log_return": (returns.RETURN, batch.log_return, lambda seed: (walk(COUNT, seed),), ()),
    "realised_volatility": (WINDOW, batch.realised_volatility, lambda seed: (walk(COUNT, seed),), (8,)),
    "vwap": (flow.VWAP, batch.vwap, lambda seed: trades(COUNT, seed)[:2], ()),
    "trade_flow": (
        flow.TRADE_FLOW,
        batch.trade_flow_imbalance,
        lambda seed: trades(COUNT, seed)[1:],
        (11,),
    ),
    "vpin": (flow.VPIN, batch.vpin, lambda seed: trades(COUNT, seed)[1:], (90, 6)),
}


def columns(result: Any) -> list[Any]:
    return list(result) if isinstance(result, tuple) else [result]


@pytest.mark.parametrize("name", CASES)
@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), cuts=st.lists(st.integers(0, COUNT), max_size=8))
def test_any_cuts_give_the_bits_of_the_whole(name: str, seed: int, cuts: list[int]) -> None:
    dtype, function, make, parameters = CASES[name]
    series = make(seed)
    whole = columns(function(*series, *parameters))

    state: Records = np.zeros(1, dtype)
    edges = sorted([0, *cuts, COUNT])
    pieces = [
        columns(function(*(one[first:last] for one in series), *parameters, state=state))
        for first, last in pairwise(edges)
    ]
    for number, column in enumerate(whole):
        assert np.concatenate([piece[number] for piece in pieces]).tobytes() == column.tobytes()
    assert np.isfinite(whole[0][-1])


def test_a_kernel_called_once_a_value_gives_the_bits_of_its_twin() -> None:
    """What a strategy calls, whichever form it has."""
    prices, (high, low, close), (ticks, lots, _) = walk(COUNT, 1), bars(COUNT, 2), trades(COUNT, 3)
    ewma, average, true_range, volume = (
        np.zeros(1, dtype)[0] for dtype in (averages.EWMA, WINDOW, momentum.ATR, flow.VWAP)
    )
    singles = {
        "ewma": [averages.ewma(ewma, value, 0.2, 3) for value in prices],
        "sma": [averages.sma(average, value, 4) for value in prices],
        "atr": [momentum.atr(true_range, *bar, 5) for bar in zip(high, low, close, strict=True)],
        "vwap": [flow.vwap(volume, *trade) for trade in zip(ticks, lots, strict=True)],
        "imbalance": [imbalance(*pair) for pair in zip(lots, lots[::-1], strict=True)],
        "microprice": [
            microprice_ticks(tick, tick + 3, lot, 5) for tick, lot in zip(ticks, lots, strict=True)
        ],
    }
    twins = {
        "ewma": batch.ewma(prices, 0.2, 3),
        "sma": batch.sma(prices, 4),
        "atr": batch.atr(high, low, close, 5),
        "vwap": batch.vwap(ticks, lots),
        "imbalance": batch.imbalance(lots, lots[::-1]),
        "microprice": batch.microprice_ticks(ticks, ticks + 3, lots, np.full(COUNT, 5)),
    }
    for name, values in singles.items():
        assert np.array(values).tobytes() == twins[name].tobytes(), name


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: batch.sma([1.0], 0), "length must be 1 to 4096, was 0"),
        (lambda: batch.sma([1.0], WINDOW_MAX + 1), "length must be 1 to 4096, was 4097"),
        (lambda: batch.ewma([1.0], 0.0), "alpha must be above 0 and at most 1, was 0"),
        (lambda: batch.ewma([1.0], 1.5), "alpha must be above 0 and at most 1, was 1.5"),
        (lambda: batch.macd([1.0], 9, 9), "fast must be below slow, were 9 and 9"),
        (lambda: batch.vpin([1], [1], 0), "bucket_lots must be 1 to"),
        (lambda: batch.vwap([1.5], [1]), "ticks, lots and sides must be integers, were float64"),
        (lambda: batch.atr([1.0], [1.0], [1.0, 2.0]), "of one length, were of shapes"),
        (lambda: batch.sma([[1.0]], 1), "must be one-dimensional"),
        (lambda: batch.sma([1.0], 1, np.zeros(1, averages.EWMA)), "state must be one record of"),
        (lambda: batch.sma([1.0], 1, np.zeros(2, WINDOW)), "of shape \\(2,\\)"),
    ],
)
def test_what_is_out_of_bounds_is_named(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        call()


@pytest.mark.parametrize("name", [name for name in CASES if name not in ("vwap", "trade_flow", "vpin")])
def test_a_nan_given_in_stays_in(name: str) -> None:
    """A number in its place would look like a calm market. (What is not here takes integers.)"""
    _, function, make, parameters = CASES[name]
    series = make(5)
    for one in range(len(series)):
        damaged = [values.copy() for values in series]
        damaged[one][60] = np.nan
        for result in columns(function(*damaged, *parameters)):
            at = 61 if name == "atr" and one == 2 else 60  # a close counts in the next bar
            assert np.isfinite(result[50:at]).all()
            assert np.isnan(result[at : at + (1 if "return" in name else 8)]).all(), one


def test_the_imbalance_of_queues_is_that_of_the_sums_of_the_first_levels() -> None:
    bids, asks = np.array([[5, 0, 7, 900], [0, 0, 0, 1]]), np.array([[1, 2, 3, 0], [0, 0, 0, 4]])
    assert batch.queue_imbalance(bids, asks, 3)[0] == 6 / 18
    assert batch.queue_imbalance(bids, asks, 1)[0] == 4 / 6
    assert np.isnan(batch.queue_imbalance(bids, asks, 3)[1])
    assert batch.queue_imbalance(bids, asks, 4).tolist() == [906 / 918, -3 / 5]
    with pytest.raises(ConfigError, match="levels must be 1 to 4, was 5"):
        batch.queue_imbalance(bids, asks, 5)
    with pytest.raises(ConfigError, match=r"of one shape \(rows, levels\)"):
        batch.queue_imbalance(bids, asks[:, :2], 1)


def test_no_values_give_no_values() -> None:
    assert len(batch.sma([], 3)) == len(batch.vwap([], [])) == 0
