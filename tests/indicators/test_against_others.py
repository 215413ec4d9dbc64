"""TA-Lib, Polars, numpy and the formula give the same numbers, and NaN for the same first values."""

import numpy as np
import polars as pl
import pytest
import talib

from trading_platform.core.indicators import batch

from .builders import Floats, bars, trades, walk

COUNT = 3_000
PRICES = walk(COUNT, 1)
HIGH, LOW, CLOSE = bars(COUNT, 2)
TICKS, LOTS, SIDES = trades(COUNT, 3)


def agree(ours: Floats, theirs: Floats, warmup: int) -> bool:
    assert np.isnan(ours[:warmup]).all()
    assert not np.isnan(ours[warmup:]).any()
    assert np.isnan(theirs[:warmup]).all()
    return np.allclose(ours, theirs, rtol=1e-10, atol=1e-9, equal_nan=True)


@pytest.mark.parametrize("length", [1, 2, 14, 500])
def test_ewma_seeded_with_the_mean_is_the_ema_of_ta_lib(length: int) -> None:
    ours = batch.ewma(PRICES, 2 / (length + 1), seed=length)
    assert agree(ours, talib.EMA(PRICES, length) if length > 1 else PRICES, length - 1)


@pytest.mark.parametrize("alpha", [1.0, 0.5, 0.01])
def test_ewma_seeded_with_the_first_value_is_that_of_polars(alpha: float) -> None:
    theirs = pl.Series(PRICES).ewm_mean(alpha=alpha, adjust=False).to_numpy()
    assert agree(batch.ewma(PRICES, alpha), theirs, 0)


@pytest.mark.parametrize("length", [2, 20, 500])
def test_sma(length: int) -> None:
    assert agree(batch.sma(PRICES, length), talib.SMA(PRICES, length), length - 1)


@pytest.mark.parametrize("length", [2, 14, 100])
def test_rsi(length: int) -> None:
    assert agree(batch.rsi(PRICES, length), talib.RSI(PRICES, length), length)


def test_rsi_of_a_price_that_never_moved_is_in_the_middle() -> None:
    assert batch.rsi(np.full(5, 7.0), 2)[2:].tolist() == [50, 50, 50]
    assert batch.rsi([1, 2, 3, 4], 2)[2:].tolist() == [100, 100]
    assert batch.rsi([4, 3, 2, 1], 2)[2:].tolist() == [0, 0]


@pytest.mark.parametrize(("fast", "slow", "smooth"), [(12, 26, 9), (2, 3, 2), (5, 200, 20)])
def test_macd(fast: int, slow: int, smooth: int) -> None:
    theirs = talib.MACD(PRICES, fast, slow, smooth)
    for ours, other in zip(batch.macd(PRICES, fast, slow, smooth), theirs, strict=True):
        assert agree(ours, other, slow + smooth - 2)


@pytest.mark.parametrize(("length", "width"), [(20, 2.0), (2, 1.0), (500, 3.0)])
def test_bollinger_bands(length: int, width: float) -> None:
    """numpy, not TA-Lib: its variance of prices near 60,000 is right to 1e-6 only."""
    windows = np.lib.stride_tricks.sliding_window_view(PRICES, length)
    middle, away = windows.mean(axis=1), width * windows.std(axis=1)
    lower, centre, upper = batch.bollinger(PRICES, length, width)
    for ours, other in ((lower, middle - away), (centre, middle), (upper, middle + away)):
        assert agree(ours, np.concatenate([np.full(length - 1, np.nan), other]), length - 1)
    theirs = talib.BBANDS(PRICES, length, width, width)
    assert np.allclose((upper, centre, lower), theirs, rtol=1e-6, equal_nan=True)


@pytest.mark.parametrize("length", [2, 14, 100])
def test_atr(length: int) -> None:
    assert agree(batch.atr(HIGH, LOW, CLOSE, length), talib.ATR(HIGH, LOW, CLOSE, length), length)


def test_returns() -> None:
    assert agree(batch.simple_return(PRICES), pl.Series(PRICES).pct_change().to_numpy(), 1)
    assert agree(batch.log_return(PRICES), pl.Series(PRICES).log().diff().to_numpy(), 1)


def test_realised_volatility_is_the_root_of_the_sum_of_squares() -> None:
    changes = batch.log_return(PRICES)[1:]
    theirs = (pl.Series(changes) ** 2).rolling_sum(50).sqrt().to_numpy()
    assert agree(batch.realised_volatility(changes, 50), theirs, 49)


def test_vwap_is_the_quotient_of_the_sums() -> None:
    theirs = np.cumsum(TICKS * LOTS) / np.cumsum(LOTS)
    assert batch.vwap(TICKS, LOTS).tolist() == theirs.tolist()


def test_trade_flow_imbalance_is_the_quotient_of_rolling_sums() -> None:
    frame = pl.DataFrame({"signed": LOTS * SIDES, "lots": LOTS})
    theirs = frame.select(pl.col("signed").rolling_sum(25) / pl.col("lots").rolling_sum(25))
    ours = batch.trade_flow_imbalance(LOTS, SIDES, 25)
    assert agree(ours, theirs.to_series().to_numpy(), 24)
    assert (np.abs(ours[24:]) <= 1).all()


@pytest.mark.parametrize(("bucket", "length"), [(1000, 10), (150, 5), (20, 50)])
def test_vpin_is_the_mean_of_the_last_buckets_cut_from_single_lots(bucket: int, length: int) -> None:
    """Every lot on its own: buckets are rows of a matrix, whatever trade a lot came from."""
    each = np.repeat(SIDES, LOTS)
    full = len(each) // bucket
    sizes = np.abs(each[: full * bucket].reshape(full, bucket).sum(axis=1))
    ends = np.cumsum(LOTS) // bucket  # full buckets after each trade
    theirs = np.array(
        [np.nan if end < length else sizes[end - length : end].mean() / bucket for end in ends.tolist()]
    )
    warmup = int(np.argmax(ends >= length))
    assert agree(batch.vpin(LOTS, SIDES, bucket, length), theirs, warmup)


def test_imbalance_and_microprice_by_hand() -> None:
    assert batch.imbalance([3, 0, 5, 0], [1, 4, 0, 0]).tolist()[:3] == [0.5, -1, 1]
    assert np.isnan(batch.imbalance([0], [0])[0])
    prices = batch.microprice_ticks([100, 100, 0, 100], [102, 102, 102, 0], [3, 1, 3, 3], [1, 3, 1, 1])
    assert prices[:2].tolist() == [101.5, 100.5]
    assert np.isnan(prices[2:]).all()


def test_a_window_keeps_its_digits_over_many_turns() -> None:
    """Sums that only add and subtract would drift: here by more than the tolerance after a spike of 1e12."""
    values = np.concatenate([[1e12], walk(2_000, 4)])
    exact = values[-20:]
    assert abs(batch.sma(values, 20)[-1] / exact.mean() - 1) < 1e-15
    lower, middle, _ = batch.bollinger(values, 20, 1.0)
    assert abs((middle[-1] - lower[-1]) / exact.std() - 1) < 1e-9
