"""One row per order, put together from its events."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import polars as pl

from ..eventlog.schema import EventArray
from ..model.enums import CommandKind, EventFlag, EventKind, OrderStatus, ReportKind
from ..model.instrument import Instrument
from .columns import (
    money_column,
    name_columns,
    price_column,
    qty_column,
    require_instruments,
    time_column,
)
from .select import Ints, field
from .tables import slot_column

TERMINAL: Final = (OrderStatus.FILLED, OrderStatus.CANCELED, OrderStatus.EXPIRED, OrderStatus.REJECTED)
END_CAUSES: Final = pl.Enum(
    [
        "FILLED",
        "REPLACED",
        "CANCELED_ON_REQUEST",
        "CANCELED_BY_HALT",
        "CANCELED_BY_VENUE",
        "EXPIRED",
        "REJECTED",
    ]
)
_KINDS: Final = (EventKind.SENT, EventKind.STATUS, EventKind.FILL, EventKind.VENUE_REJECT, EventKind.REPLACED)
_IS_STEP: Final = np.isin(np.arange(256), _KINDS)


def orders_frame(events: EventArray, instruments: Sequence[Instrument]) -> pl.DataFrame:
    """Return one row per order, by order id.

    Parameters
    ----------
    events : EVENT, a whole log: causes are looked up by seq
    instruments : the list that the field ``instrument`` indexes

    Notes
    -----
    ``price`` and ``order_lots`` are what was sent; null for an order that was not sent in this log.
    ``status`` is the last one, ``end_cause`` null while the order is open. ``replaced_by`` is the order that
    took its place. Times are the local clock: ``sent``, ``acked`` (null if a fill or an end came without an
    acknowledgement), ``ended``. ``average_price`` weighs by quantity.
    """
    steps = _steps(events)
    orders = steps.group_by("order_id").agg(
        pl.col("place").min().alias("first"), pl.col("place").max().alias("last")
    )
    orders = orders.sort("order_id")
    for part in (_sent(steps), _acked(steps), _ended(steps), _cancel(steps)):
        orders = orders.join(part, on="order_id", how="left", maintain_order="left")
    for part in (_fills(steps, events, instruments), _replaced_by(steps, events)):
        orders = orders.join(part, on="order_id", how="left", maintain_order="left")
    return _table(orders, events, instruments).with_columns(_end_cause()).drop("cancel_cause")


def _steps(events: EventArray) -> pl.DataFrame:
    """Return where the events of orders stand in the log, and the few fields that tell them apart."""
    places = np.flatnonzero(_IS_STEP.take(events["kind"]))
    columns: dict[str, Ints] = {"place": places}
    for name in ("order_id", "a", "kind", "status_from", "status_to"):
        columns[name] = events[name][places]
    return pl.DataFrame(columns)


def _is(kind: EventKind) -> pl.Expr:
    return pl.col("kind") == int(kind)


def _sent(steps: pl.DataFrame) -> pl.DataFrame:
    new = steps.filter(_is(EventKind.SENT) & (pl.col("a") == int(CommandKind.NEW)))
    return new.group_by("order_id").agg(pl.col("place").min().alias("sent"))


def _acked(steps: pl.DataFrame) -> pl.DataFrame:
    acks = steps.filter(_is(EventKind.STATUS) & (pl.col("a") == int(ReportKind.ACK)))
    return acks.group_by("order_id").agg(pl.col("place").min().alias("acked"))


def _ended(steps: pl.DataFrame) -> pl.DataFrame:
    ends = pl.col("status_to").is_in(TERMINAL) & ~pl.col("status_from").is_in(TERMINAL)
    return steps.filter(ends).group_by("order_id").agg(pl.col("place").min().alias("ended"))


def _cancel(steps: pl.DataFrame) -> pl.DataFrame:
    cancels = steps.filter(_is(EventKind.SENT) & (pl.col("a") == int(CommandKind.CANCEL)))
    return cancels.group_by("order_id").agg(pl.col("place").max().alias("cancel"))


def _fills(steps: pl.DataFrame, events: EventArray, instruments: Sequence[Instrument]) -> pl.DataFrame:
    places = steps.filter(_is(EventKind.FILL))["place"].to_numpy()
    fills = events.take(places)
    require_instruments(fills, instruments)
    columns: dict[str, pl.Series | Ints] = {
        name: field(fills, name) for name in ("order_id", "qty_lots", "a", "b")
    }
    columns["maker"] = (fills["flags"] & EventFlag.MAKER) != 0
    columns["price"] = price_column(field(fills, "price_ticks"), field(fills, "instrument"), instruments)
    lots = pl.col("qty_lots")
    return (
        pl.DataFrame(columns)
        .group_by("order_id")
        .agg(
            pl.len().cast(pl.Int64).alias("fill_count"),
            pl.col("b").max().alias("cum_lots"),
            (lots * pl.col("maker")).sum().alias("maker_lots"),
            ((lots * pl.col("price")).sum() / lots.sum()).alias("average_price"),
            pl.col("a").sum().alias("fee_money"),
        )
    )


def _replaced_by(steps: pl.DataFrame, events: EventArray) -> pl.DataFrame:
    pairs = events.take(steps.filter(_is(EventKind.REPLACED))["place"].to_numpy())
    frame = pl.DataFrame({"order_id": field(pairs, "parent_order_id"), "by": field(pairs, "order_id")})
    return frame.group_by("order_id").agg(pl.col("by").max().alias("replaced_by"))


def _table(orders: pl.DataFrame, events: EventArray, instruments: Sequence[Instrument]) -> pl.DataFrame:
    """Return the columns of the table: fields of the events that were found, in human units too."""
    first = events.take(orders["first"].to_numpy())
    require_instruments(first, instruments)
    index = field(first, "instrument")
    counts = {
        name: orders[name].fill_null(0) for name in ("fill_count", "cum_lots", "maker_lots", "fee_money")
    }
    cum_lots, fee_money = counts["cum_lots"].to_numpy(), counts["fee_money"].to_numpy()
    ticks, lots = (_at(events, orders["sent"], name) for name in ("price_ticks", "qty_lots"))
    last = events.take(orders["last"].to_numpy())
    columns: dict[str, pl.Series | Ints] = {
        "order_id": field(first, "order_id"),
        "parent_order_id": field(first, "parent_order_id"),
        "replaced_by": orders["replaced_by"],
        "instrument": index,
        "account": field(first, "account"),
        "strategy": field(first, "strategy"),
        "slot": slot_column(first),
        "tag": field(first, "tag"),
        **name_columns(first, "side", "order_type", "tif"),
        "price_ticks": ticks,
        "price": price_column(ticks.fill_null(0).to_numpy(), index, instruments),
        "order_lots": lots,
        "order_qty": qty_column(lots.fill_null(0).to_numpy(), index, instruments).set(lots.is_null(), None),
        "status": name_columns(last, "status_to")["status_to"],
        "cum_lots": cum_lots,
        "cum_qty": qty_column(cum_lots, index, instruments),
        "maker_lots": counts["maker_lots"],
        "fill_count": counts["fill_count"],
        "average_price": orders["average_price"],
        "fee_money": fee_money,
        "fee": money_column(fee_money, index, instruments),
        "sent_seq": _at(events, orders["sent"], "seq"),
        **{name: time_column(_at(events, orders[name], "now_ns")) for name in ("sent", "acked", "ended")},
        "cancel_cause": _kind_at(events, _at(events, orders["cancel"], "cause_seq").fill_null(0).to_numpy()),
    }
    return pl.DataFrame(columns)


def _at(events: EventArray, places: pl.Series, name: str) -> pl.Series:
    """Return a field of the events at these places; null where the place is null."""
    there = places.is_not_null()
    values = np.zeros(len(places), np.int64)
    values[there.to_numpy()] = events[name][places.drop_nulls().to_numpy()]
    return pl.Series(values).set(~there, None)


def _kind_at(events: EventArray, seqs: Ints) -> Ints:
    """Return the kind of the event with each seq; 0 where seq is 0 or not in this log."""
    kinds = np.zeros(len(seqs), np.uint8)
    if len(events):
        places = seqs - int(events["seq"][0])
        there = (seqs > 0) & (places >= 0) & (places < len(events))
        kinds[there] = events["kind"][places[there]]
    return kinds


def _end_cause() -> pl.Expr:
    """Return why an order ended. A cancel that nothing asked for is the venue's."""
    status, cause = pl.col("status").cast(pl.String), pl.col("cancel_cause")
    canceled = status == "CANCELED"
    return (
        pl.when(canceled & pl.col("replaced_by").is_not_null())
        .then(pl.lit("REPLACED"))
        .when(canceled & (cause == int(EventKind.HALT)))
        .then(pl.lit("CANCELED_BY_HALT"))
        .when(canceled & (cause == 0))
        .then(pl.lit("CANCELED_BY_VENUE"))
        .when(canceled)
        .then(pl.lit("CANCELED_ON_REQUEST"))
        .when(status.is_in([terminal.name for terminal in TERMINAL]))
        .then(status)
        .cast(END_CAUSES)
        .alias("end_cause")
    )
