"""One row per order, put together from its events."""

from collections.abc import Sequence
from fractions import Fraction
from typing import Final

import numpy as np
import polars as pl

from ..eventlog.schema import EventArray
from ..model.enums import CommandKind, EventFlag, EventKind, OrderStatus, ReportKind
from ..model.instrument import Instrument
from .columns import (
    STATUSES,
    UTC,
    Ints,
    field,
    name_column,
    of_kind,
    price_column,
    qty_column,
    require_instruments,
    scaled,
)
from .tables import slot_column

TERMINAL: Final = tuple(
    status.name
    for status in (OrderStatus.FILLED, OrderStatus.CANCELED, OrderStatus.EXPIRED, OrderStatus.REJECTED)
)
END_CAUSES: Final = pl.Enum(
    ["FILLED", "REPLACED", "CANCELED_ON_REQUEST", "CANCELED_BY_HALT", "CANCELED_BY_VENUE", "EXPIRED", "REJECTED"]
)
_KINDS: Final = (
    EventKind.SENT,
    EventKind.STATUS,
    EventKind.FILL,
    EventKind.VENUE_REJECT,
    EventKind.REPLACED,
)


def orders_frame(events: EventArray, instruments: Sequence[Instrument]) -> pl.DataFrame:
    """Return one row per order, by order id.

    Parameters
    ----------
    events : EVENT, a whole log: causes are looked up by seq
    instruments : the list that the field ``instrument`` indexes

    Notes
    -----
    ``price_ticks`` and ``order_lots`` are what was sent; null for an order that was not sent in this log.
    ``status`` is the last one, ``end_cause`` null while the order is open. ``replaced_by`` is the order that took
    its place. Times are the local clock: ``sent``, ``acked`` (the first acknowledgement, null if a fill or an end
    came without one), ``ended``. ``average_price`` weighs by quantity.
    """
    require_instruments(events, instruments)
    steps = _steps(of_kind(events, *_KINDS), instruments)
    first = steps.unique("order_id", keep="first", maintain_order=True)
    identity = ("order_id", "parent_order_id", "instrument", "account", "strategy", "slot", "tag")
    orders = first.select(*identity, "side", "order_type", "tif").sort("order_id")
    for part in (_sent(steps), _acked(steps), _fills(steps), _ended(steps, events), _last_status(steps)):
        orders = orders.join(part, on="order_id", how="left", maintain_order="left")
    orders = orders.join(_replaced_by(steps), on="order_id", how="left", maintain_order="left")
    return _human(orders.with_columns(_end_cause()).drop("cancel_cause"), instruments)


def _steps(events: EventArray, instruments: Sequence[Instrument]) -> pl.DataFrame:
    """Return the events of orders, one row each, with the fields that the table needs."""
    columns: dict[str, pl.Series | Ints] = {
        name: field(events, name)
        for name in (
            "seq",
            "cause_seq",
            "now_ns",
            "order_id",
            "parent_order_id",
            "instrument",
            "account",
            "strategy",
            "tag",
            "price_ticks",
            "qty_lots",
            "a",
            "b",
            "kind",
            "flags",
        )
    }
    columns["slot"] = slot_column(events)
    for name in ("side", "order_type", "tif", "status_from", "status_to"):
        columns[name] = name_column(events, name)
    index, ticks = field(events, "instrument"), field(events, "price_ticks")
    columns["price"] = price_column(ticks, index, instruments)
    return pl.DataFrame(columns)


def _is(kind: EventKind) -> pl.Expr:
    return pl.col("kind") == int(kind)


def _sent(steps: pl.DataFrame) -> pl.DataFrame:
    new = steps.filter(_is(EventKind.SENT) & (pl.col("a") == int(CommandKind.NEW)))
    return new.unique("order_id", keep="first").select(
        "order_id",
        pl.col("seq").alias("sent_seq"),
        pl.col("now_ns").alias("sent_ns"),
        "price_ticks",
        "price",
        pl.col("qty_lots").alias("order_lots"),
        ((pl.col("flags") & int(EventFlag.QUOTED)) != 0).alias("quoted"),
        ((pl.col("flags") & int(EventFlag.REDUCING)) != 0).alias("reducing"),
    )


def _acked(steps: pl.DataFrame) -> pl.DataFrame:
    acks = steps.filter(_is(EventKind.STATUS) & (pl.col("a") == int(ReportKind.ACK)))
    return acks.group_by("order_id").agg(pl.col("now_ns").min().alias("acked_ns"))


def _fills(steps: pl.DataFrame) -> pl.DataFrame:
    lots, maker = pl.col("qty_lots"), (pl.col("flags") & int(EventFlag.MAKER)) != 0
    weighted = (lots.cast(pl.Float64) * pl.col("price")).sum()
    return (
        steps.filter(_is(EventKind.FILL))
        .group_by("order_id")
        .agg(
            pl.len().cast(pl.Int64).alias("fill_count"),
            pl.col("b").max().alias("cum_lots"),
            lots.filter(maker).sum().alias("maker_lots"),
            (weighted / lots.sum()).alias("average_price"),
            pl.col("a").sum().alias("fee_money"),
        )
    )


def _ended(steps: pl.DataFrame, events: EventArray) -> pl.DataFrame:
    """Return when an order ended, and the kind of event that caused its cancel (0: no cancel was sent)."""
    ended = steps.filter(
        pl.col("status_to").cast(pl.String).is_in(TERMINAL)
        & ~pl.col("status_from").cast(pl.String).is_in(TERMINAL)
        & ~_is(EventKind.SENT)
        & ~_is(EventKind.REPLACED)
    ).unique("order_id", keep="first")
    cancels = steps.filter(_is(EventKind.SENT) & (pl.col("a") == int(CommandKind.CANCEL)))
    last = cancels.unique("order_id", keep="last").select("order_id", pl.col("cause_seq").alias("cancel_cause"))
    joined = ended.select("order_id", pl.col("now_ns").alias("ended_ns")).join(last, on="order_id", how="left")
    causes = joined["cancel_cause"].fill_null(0).to_numpy()
    return joined.with_columns(pl.Series("cancel_cause", _kind_at(events, causes)))


def _kind_at(events: EventArray, seqs: Ints) -> Ints:
    """Return the kind of the event with each seq; 0 where seq is 0 or not in this log."""
    if not len(events):
        return np.zeros(len(seqs), np.uint8)
    places = seqs - int(events["seq"][0])
    there = (seqs > 0) & (places >= 0) & (places < len(events))
    return np.where(there, events["kind"][np.where(there, places, 0)], 0).astype(np.uint8)


def _last_status(steps: pl.DataFrame) -> pl.DataFrame:
    return steps.unique("order_id", keep="last").select("order_id", pl.col("status_to").alias("status"))


def _replaced_by(steps: pl.DataFrame) -> pl.DataFrame:
    pairs = steps.filter(_is(EventKind.REPLACED)).unique("parent_order_id", keep="last")
    return pairs.select(pl.col("parent_order_id").alias("order_id"), pl.col("order_id").alias("replaced_by"))


def _end_cause() -> pl.Expr:
    status, cause = pl.col("status").cast(STATUSES).cast(pl.String), pl.col("cancel_cause")
    canceled = status == "CANCELED"
    return (
        pl.when(~status.is_in(TERMINAL))
        .then(None)
        .when(canceled & pl.col("replaced_by").is_not_null())
        .then(pl.lit("REPLACED"))
        .when(canceled & (cause == int(EventKind.HALT)))
        .then(pl.lit("CANCELED_BY_HALT"))
        .when(canceled & (cause.fill_null(0) == 0))
        .then(pl.lit("CANCELED_BY_VENUE"))
        .when(canceled)
        .then(pl.lit("CANCELED_ON_REQUEST"))
        .otherwise(status)
        .cast(END_CAUSES)
        .alias("end_cause")
    )


def _human(orders: pl.DataFrame, instruments: Sequence[Instrument]) -> pl.DataFrame:
    """Add the columns in human units, and zeros for orders without fills."""
    counts = ("fill_count", "cum_lots", "maker_lots", "fee_money")
    orders = orders.with_columns(pl.col(*counts).fill_null(0))
    index = orders["instrument"].to_numpy()
    lots, sent = orders["cum_lots"].to_numpy(), orders["order_lots"]
    money = scaled(orders["fee_money"].to_numpy(), index, [Fraction(i.money_unit) for i in instruments])
    order_qty = qty_column(sent.fill_null(0).to_numpy(), index, instruments)
    return orders.with_columns(
        *(pl.col(f"{name}_ns").cast(UTC).alias(name) for name in ("sent", "acked", "ended")),
        qty_column(lots, index, instruments).alias("cum_qty"),
        pl.Series("fee", money),
        order_qty.set(sent.is_null(), None).alias("order_qty"),
    )
