"""Where a few lines of Polars say the same, they must give the same bars."""

import polars as pl
import pytest

from trading_platform.core.bars.spec import BarSpec
from trading_platform.model.records import Records

from .builders import bars_of, random_trades

COUNT = 4_000
OHLC = (
    pl.col("price").first().alias("open_ticks"),
    pl.col("price").max().alias("high_ticks"),
    pl.col("price").min().alias("low_ticks"),
    pl.col("price").last().alias("close_ticks"),
    pl.col("lots").sum().alias("volume_lots"),
    (pl.col("lots").filter(pl.col("side") > 0)).sum().alias("buy_lots"),
    (pl.col("lots") * pl.col("price")).sum().alias("notional_ticklots"),
    pl.len().cast(pl.Int64).alias("trades"),
)


def frame_of(trades: Records) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "time": trades["ts_local_ns"],
            "price": trades["price_ticks"],
            "lots": trades["qty_lots"],
            "side": trades["side"],
        }
    )


def same(bars: Records, frame: pl.DataFrame) -> bool:
    names = [expression.meta.output_name() for expression in OHLC]
    return pl.DataFrame({name: bars[name] for name in names}).equals(frame.select(names))


@pytest.mark.parametrize("seconds", [1, 7, 60])
def test_time_bars_are_a_group_by_of_the_clock(seconds: int) -> None:
    trades = random_trades(COUNT, 1)
    frame = frame_of(trades).with_columns(pl.col("time").cast(pl.Datetime("ns")))
    grouped = frame.group_by_dynamic("time", every=f"{seconds}s").agg(*OHLC)
    bars = bars_of(BarSpec("time", seconds), trades)
    assert same(bars, grouped)
    assert bars["start_ns"].tolist() == grouped["time"].cast(pl.Int64).to_list()


@pytest.mark.parametrize("size", [1, 3, 100])
def test_tick_bars_are_a_division_of_the_row_number(size: int) -> None:
    trades = random_trades(COUNT, 2)
    grouped = frame_of(trades).with_row_index("row").group_by(pl.col("row") // size, maintain_order=True)
    assert same(bars_of(BarSpec("tick", size), trades), grouped.agg(*OHLC))


@pytest.mark.parametrize("size", [2, 50])
def test_volume_bars_of_unit_trades_are_a_division_of_the_volume(size: int) -> None:
    """Only there: with larger trades a bar takes the last one whole, which a division cannot say."""
    trades = random_trades(COUNT, 3)
    trades["qty_lots"] = 1
    volume = pl.col("lots").cum_sum() - pl.col("lots")
    grouped = frame_of(trades).group_by(volume // size, maintain_order=True)
    assert same(bars_of(BarSpec("volume", size), trades), grouped.agg(*OHLC))


def test_notional_bars_of_trades_of_one_value_are_a_division_of_the_notional() -> None:
    trades = random_trades(COUNT, 4)
    trades["price_ticks"], trades["qty_lots"] = 1000, 2
    notional = (pl.col("lots") * pl.col("price")).cum_sum() - 2000
    grouped = frame_of(trades).group_by(notional // 50_000, maintain_order=True)
    assert same(bars_of(BarSpec("notional", 50_000), trades), grouped.agg(*OHLC))
