"""Step 9: read a run with Polars: ``python examples/ladder/09_read_the_log/read_log.py RUN``.

RUN is a run directory, the id of a run, or ``last``. Each function answers one question from one of the run's tables.
"""

import argparse
from pathlib import Path

import polars as pl

from trading_platform.cli.common import find_run
from trading_platform.model.enums import EventFlag

UTC = pl.Datetime("ns", "UTC")
UTC_MS = pl.Datetime("ms", "UTC")  # fits a terminal


def milliseconds(duration: pl.Expr) -> pl.Expr:
    """Return a duration in ms."""
    return duration.dt.total_nanoseconds() / 1e6


def denials(run: Path) -> pl.DataFrame:
    """Return one row per DenyCode: how often, then time and numbers of the first, in the unit of the limit (lots).

    ``headroom`` is limit - observed.
    """
    repeated = (pl.col("flags") & int(EventFlag.COALESCED)) != 0  # one record for c identical denials
    first = {"time": "first", "a": "observed", "b": "limit", "c": "headroom"}
    return (
        pl.scan_parquet(run / "events.parquet")
        .filter(pl.col("kind") == "DENIED")
        .group_by(pl.col("code_name").alias("denied"))
        .agg(
            pl.when(repeated).then("c").otherwise(1).sum().alias("count"),
            *(pl.col(field).filter(~repeated).first().alias(name) for field, name in first.items()),
        )
        .with_columns(pl.col("first").cast(UTC_MS))
        .sort("count", descending=True)
        .collect()
    )


def waits(run: Path) -> pl.DataFrame:
    """Return one row per HoldCode of what had to wait: how often, and the wait the throttle announced [ms]."""
    announced = pl.when(pl.col("a") > 0).then(
        pl.col("a").cast(UTC) - pl.col("time")
    )  # a: next send time [ns]
    return (
        pl.scan_parquet(run / "events.parquet")
        .filter(pl.col("kind") == "QUEUED")
        .group_by(pl.col("code_name").alias("waits for"))
        .agg(
            pl.len().alias("count"),
            milliseconds(announced.median()).alias("median ms"),
            milliseconds(announced.max()).alias("longest ms"),
        )
        .sort("count", descending=True)
        .collect()
    )


def time_to_ack(run: Path) -> pl.DataFrame:
    """Return how long the venue took to acknowledge an order [ms], one row."""
    took = milliseconds(pl.col("acked") - pl.col("sent"))
    return (
        pl.scan_parquet(run / "orders.parquet")
        .select(
            took.count().alias("acked"),
            took.min().alias("fastest ms"),
            took.median().alias("median ms"),
            took.max().alias("slowest ms"),
        )
        .collect()
    )


def fill_ratio(run: Path) -> pl.DataFrame:
    """Return one row per side: orders sent, how many traded at all and in full, and filled / sent quantity."""
    return (
        pl.scan_parquet(run / "orders.parquet")
        .group_by("side")
        .agg(
            pl.len().alias("orders"),
            (pl.col("cum_lots") > 0).sum().alias("traded"),
            (pl.col("status") == "FILLED").sum().alias("filled"),
            (pl.col("cum_lots").sum() / pl.col("order_lots").sum()).alias("fill ratio"),
        )
        .sort("side")
        .collect()
    )


def position_over_time(run: Path, every: str = "1m") -> pl.DataFrame:
    """Return one row per period: position at its end, its extremes [base currency], and equity at the end."""
    # the samples say where the position stood each second; the fills, how far it went in between
    samples = pl.scan_parquet(run / "equity.parquet").select("seq", "time", "position", "equity")
    fills = pl.scan_parquet(run / "fills.parquet").select("seq", "time", "position")
    return (
        pl.concat([samples, fills], how="diagonal")
        .sort("seq")  # seq orders, times explain
        .group_by_dynamic("time", every=every)
        .agg(
            pl.col("position").last(),
            pl.col("position").min().alias("lowest"),
            pl.col("position").max().alias("highest"),
            pl.col("equity").drop_nulls().last(),
        )
        .collect()
    )


def main() -> None:
    """Print all answers for one run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", help='run directory, id of a run in ./runs, or "last"')
    run = find_run(parser.parse_args().run)
    print(run)
    with pl.Config(tbl_rows=-1, tbl_hide_dataframe_shape=True, tbl_hide_column_data_types=True):
        for answer in (denials, waits, time_to_ack, fill_ratio, position_over_time):
            print(f"\n{answer.__name__.replace('_', ' ')}\n{answer(run)}")


if __name__ == "__main__":
    main()
