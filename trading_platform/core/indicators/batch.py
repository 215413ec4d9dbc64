"""Indicators over arrays: the streaming kernels in a loop, so what is studied is what a strategy computes.

Arrays in, float64 arrays of the same length out, NaN where a kernel gives NaN. ``state`` goes on where an earlier call
stopped and is changed in place; None begins anew. Lengths and spans are at least 1, windows at most WINDOW_MAX.
"""

from collections.abc import Sequence
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from ..._jit import INT, Array, entry
from ...model.errors import ConfigError
from ...model.records import RecordDtype, Records
from . import averages, book, flow, momentum, returns
from .window import WINDOW, WINDOW_MAX

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]
_LENGTH_MAX: Final = 1 << 40
_FLOATS: Final = Array(np.dtype(np.float64))
_INTS: Final = Array(np.dtype(np.int64))
_BOOKS: Final = Array(np.dtype(np.int64), ndim=2)


def ewma(values: npt.ArrayLike, alpha: float, seed: int = 1, state: Records | None = None) -> Floats:
    """See `averages.ewma`; ``state`` is EWMA."""
    if not 0 < alpha <= 1:
        raise ConfigError(f"alpha must be above 0 and at most 1, was {alpha}")
    _check_lengths(_LENGTH_MAX, seed=seed)
    (series,), out = _floats(values)
    _ewma(_state(state, averages.EWMA), series, np.array([alpha], np.float64), seed, out)
    return out


def sma(values: npt.ArrayLike, length: int, state: Records | None = None) -> Floats:
    """See `averages.sma`; ``state`` is WINDOW."""
    _check_lengths(WINDOW_MAX, length=length)
    (series,), out = _floats(values)
    _sma(_state(state, WINDOW), series, length, out)
    return out


def macd(
    values: npt.ArrayLike, fast: int = 12, slow: int = 26, smooth: int = 9, state: Records | None = None
) -> tuple[Floats, Floats, Floats]:
    """Return line, signal and histogram: see `averages.macd`; ``state`` is MACD."""
    _check_lengths(_LENGTH_MAX, fast=fast, slow=slow, smooth=smooth)
    if fast >= slow:
        raise ConfigError(f"fast must be below slow, were {fast} and {slow}")
    (series,), line = _floats(values)
    signal, histogram = np.empty_like(line), np.empty_like(line)
    _macd(_state(state, averages.MACD), series, fast, slow, smooth, line, signal, histogram)
    return line, signal, histogram


def bollinger(
    values: npt.ArrayLike, length: int = 20, width: float = 2.0, state: Records | None = None
) -> tuple[Floats, Floats, Floats]:
    """Return lower, middle and upper band: see `averages.bollinger`; ``state`` is BOLLINGER."""
    _check_lengths(WINDOW_MAX, length=length)
    (series,), lower = _floats(values)
    middle, upper = np.empty_like(lower), np.empty_like(lower)
    _bollinger(
        _state(state, averages.BOLLINGER), series, length, np.array([width], np.float64), lower, middle, upper
    )
    return lower, middle, upper


def rsi(values: npt.ArrayLike, length: int = 14, state: Records | None = None) -> Floats:
    """See `momentum.rsi`; ``state`` is RSI."""
    _check_lengths(_LENGTH_MAX, length=length)
    (series,), out = _floats(values)
    _rsi(_state(state, momentum.RSI), series, length, out)
    return out


def atr(
    high: npt.ArrayLike,
    low: npt.ArrayLike,
    close: npt.ArrayLike,
    length: int = 14,
    state: Records | None = None,
) -> Floats:
    """See `momentum.atr`; ``state`` is ATR."""
    _check_lengths(_LENGTH_MAX, length=length)
    (highs, lows, closes), out = _floats(high, low, close)
    _atr(_state(state, momentum.ATR), highs, lows, closes, length, out)
    return out


def simple_return(prices: npt.ArrayLike, state: Records | None = None) -> Floats:
    """See `returns.simple_return`; ``state`` is RETURN."""
    (series,), out = _floats(prices)
    _simple_return(_state(state, returns.RETURN), series, out)
    return out


def log_return(prices: npt.ArrayLike, state: Records | None = None) -> Floats:
    """See `returns.log_return`; ``state`` is RETURN."""
    (series,), out = _floats(prices)
    _log_return(_state(state, returns.RETURN), series, out)
    return out


def realised_volatility(changes: npt.ArrayLike, length: int, state: Records | None = None) -> Floats:
    """See `returns.realised_volatility`; ``state`` is WINDOW. Leave the NaN out that a return begins with."""
    _check_lengths(WINDOW_MAX, length=length)
    (series,), out = _floats(changes)
    _realised_volatility(_state(state, WINDOW), series, length, out)
    return out


def vwap(price_ticks: npt.ArrayLike, qty_lots: npt.ArrayLike, state: Records | None = None) -> Floats:
    """See `flow.vwap`; ``state`` is VWAP."""
    (prices, lots), out = _ints(price_ticks, qty_lots)
    _vwap(_state(state, flow.VWAP), prices, lots, out)
    return out


def trade_flow_imbalance(
    qty_lots: npt.ArrayLike, side: npt.ArrayLike, length: int, state: Records | None = None
) -> Floats:
    """See `flow.trade_flow_imbalance`; ``state`` is TRADE_FLOW."""
    _check_lengths(WINDOW_MAX, length=length)
    (lots, sides), out = _ints(qty_lots, side)
    _trade_flow_imbalance(_state(state, flow.TRADE_FLOW), lots, sides, length, out)
    return out


def vpin(
    qty_lots: npt.ArrayLike,
    side: npt.ArrayLike,
    bucket_lots: int,
    length: int = 50,
    state: Records | None = None,
) -> Floats:
    """See `flow.vpin`, one value a trade; ``state`` is VPIN."""
    _check_lengths(WINDOW_MAX, length=length)
    _check_lengths(_LENGTH_MAX, bucket_lots=bucket_lots)
    (lots, sides), out = _ints(qty_lots, side)
    _vpin(_state(state, flow.VPIN), lots, sides, bucket_lots, length, out)
    return out


def queue_imbalance(bid_lots: npt.ArrayLike, ask_lots: npt.ArrayLike, levels: int) -> Floats:
    """See `book.queue_imbalance`; a row is a book, with the quantities from the touch on in its columns."""
    bids, asks = (_integers(lots) for lots in (bid_lots, ask_lots))
    if bids.ndim != 2 or bids.shape != asks.shape:
        raise ConfigError(
            f"arrays must be of one shape (rows, levels), were of shapes {[bids.shape, asks.shape]}"
        )
    _check_lengths(bids.shape[1], levels=levels)
    out = np.empty(len(bids), np.float64)
    _queue_imbalance(bids, asks, levels, out)
    return out


def imbalance(bid_lots: npt.ArrayLike, ask_lots: npt.ArrayLike) -> Floats:
    """See `book.imbalance`."""
    (bids, asks), out = _ints(bid_lots, ask_lots)
    _imbalance(bids, asks, out)
    return out


def microprice_ticks(
    bid_ticks: npt.ArrayLike, ask_ticks: npt.ArrayLike, bid_lots: npt.ArrayLike, ask_lots: npt.ArrayLike
) -> Floats:
    """See `book.microprice_ticks`."""
    (bid, ask, bids, asks), out = _ints(bid_ticks, ask_ticks, bid_lots, ask_lots)
    _microprice_ticks(bid, ask, bids, asks, out)
    return out


# --- arguments


def _floats(*arrays: npt.ArrayLike) -> tuple[list[Floats], Floats]:
    """Return one-dimensional float64 arrays of one length, and an empty one like them for the result."""
    series = [np.ascontiguousarray(array, np.float64) for array in arrays]
    _check_shapes([one.shape for one in series])
    return series, np.empty(len(series[0]), np.float64)


def _ints(*arrays: npt.ArrayLike) -> tuple[list[Ints], Floats]:
    """Return one-dimensional int64 arrays of one length, and an empty float64 one like them for the result."""
    series = [_integers(array) for array in arrays]
    _check_shapes([one.shape for one in series])
    return series, np.empty(len(series[0]), np.float64)


def _integers(array: npt.ArrayLike) -> Ints:
    given = np.asarray(array)
    if given.size and not np.issubdtype(given.dtype, np.integer):
        raise ConfigError(f"ticks, lots and sides must be integers, were {given.dtype}")
    return np.ascontiguousarray(given, np.int64)


def _check_shapes(shapes: Sequence[tuple[int, ...]]) -> None:
    if len(shapes[0]) != 1 or len(set(shapes)) != 1:
        raise ConfigError(f"arrays must be one-dimensional and of one length, were of shapes {list(shapes)}")


def _check_lengths(most: int, **lengths: int) -> None:
    for name, length in lengths.items():
        if not 1 <= length <= most:
            raise ConfigError(f"{name} must be 1 to {most}, was {length}")


def _state(state: Records | None, dtype: RecordDtype) -> Records:
    if state is None:
        return np.zeros(1, dtype)
    if state.dtype != dtype or state.shape != (1,):
        raise ConfigError(
            f"state must be one record of {dtype.names}, was {state.dtype} of shape {state.shape}"
        )
    return state


# --- loops


@entry(Array(averages.EWMA), _FLOATS, _FLOATS, INT, _FLOATS)
def _ewma(state: Records, values: Floats, alphas: Floats, seed: int, out: Floats) -> None:
    for index in range(len(values)):
        out[index] = averages.ewma(state[0], values[index], alphas[0], seed)


@entry(Array(WINDOW), _FLOATS, INT, _FLOATS)
def _sma(state: Records, values: Floats, length: int, out: Floats) -> None:
    for index in range(len(values)):
        out[index] = averages.sma(state[0], values[index], length)


@entry(Array(averages.MACD), _FLOATS, INT, INT, INT, _FLOATS, _FLOATS, _FLOATS)
def _macd(
    state: Records,
    values: Floats,
    fast: int,
    slow: int,
    smooth: int,
    line: Floats,
    signal: Floats,
    histogram: Floats,
) -> None:
    for index in range(len(values)):
        line[index] = averages.macd(state[0], values[index], fast, slow, smooth)
        signal[index] = state[0]["signal"]
        histogram[index] = state[0]["histogram"]


@entry(Array(averages.BOLLINGER), _FLOATS, INT, _FLOATS, _FLOATS, _FLOATS, _FLOATS)
def _bollinger(
    state: Records, values: Floats, length: int, widths: Floats, lower: Floats, middle: Floats, upper: Floats
) -> None:
    for index in range(len(values)):
        middle[index] = averages.bollinger(state[0], values[index], length, widths[0])
        lower[index] = state[0]["lower"]
        upper[index] = state[0]["upper"]


@entry(Array(momentum.RSI), _FLOATS, INT, _FLOATS)
def _rsi(state: Records, values: Floats, length: int, out: Floats) -> None:
    for index in range(len(values)):
        out[index] = momentum.rsi(state[0], values[index], length)


@entry(Array(momentum.ATR), _FLOATS, _FLOATS, _FLOATS, INT, _FLOATS)
def _atr(state: Records, high: Floats, low: Floats, close: Floats, length: int, out: Floats) -> None:
    for index in range(len(high)):
        out[index] = momentum.atr(state[0], high[index], low[index], close[index], length)


@entry(Array(returns.RETURN), _FLOATS, _FLOATS)
def _simple_return(state: Records, prices: Floats, out: Floats) -> None:
    for index in range(len(prices)):
        out[index] = returns.simple_return(state[0], prices[index])


@entry(Array(returns.RETURN), _FLOATS, _FLOATS)
def _log_return(state: Records, prices: Floats, out: Floats) -> None:
    for index in range(len(prices)):
        out[index] = returns.log_return(state[0], prices[index])


@entry(Array(WINDOW), _FLOATS, INT, _FLOATS)
def _realised_volatility(state: Records, changes: Floats, length: int, out: Floats) -> None:
    for index in range(len(changes)):
        out[index] = returns.realised_volatility(state[0], changes[index], length)


@entry(Array(flow.VWAP), _INTS, _INTS, _FLOATS)
def _vwap(state: Records, price_ticks: Ints, qty_lots: Ints, out: Floats) -> None:
    for index in range(len(price_ticks)):
        out[index] = flow.vwap(state[0], price_ticks[index], qty_lots[index])


@entry(Array(flow.TRADE_FLOW), _INTS, _INTS, INT, _FLOATS)
def _trade_flow_imbalance(state: Records, qty_lots: Ints, side: Ints, length: int, out: Floats) -> None:
    for index in range(len(qty_lots)):
        out[index] = flow.trade_flow_imbalance(state[0], qty_lots[index], side[index], length)


@entry(Array(flow.VPIN), _INTS, _INTS, INT, INT, _FLOATS)
def _vpin(state: Records, qty_lots: Ints, side: Ints, bucket_lots: int, length: int, out: Floats) -> None:
    for index in range(len(qty_lots)):
        out[index] = flow.vpin(state[0], qty_lots[index], side[index], bucket_lots, length)


@entry(_INTS, _INTS, _FLOATS)
def _imbalance(bid_lots: Ints, ask_lots: Ints, out: Floats) -> None:
    for index in range(len(bid_lots)):
        out[index] = book.imbalance(bid_lots[index], ask_lots[index])


@entry(_BOOKS, _BOOKS, INT, _FLOATS)
def _queue_imbalance(bid_lots: Ints, ask_lots: Ints, levels: int, out: Floats) -> None:
    for index in range(len(bid_lots)):
        bids, asks = 0, 0
        for level in range(levels):
            bids += bid_lots[index, level]
            asks += ask_lots[index, level]
        out[index] = book.imbalance(bids, asks)


@entry(_INTS, _INTS, _INTS, _INTS, _FLOATS)
def _microprice_ticks(bid_ticks: Ints, ask_ticks: Ints, bid_lots: Ints, ask_lots: Ints, out: Floats) -> None:
    for index in range(len(bid_ticks)):
        out[index] = book.microprice_ticks(
            bid_ticks[index], ask_ticks[index], bid_lots[index], ask_lots[index]
        )
