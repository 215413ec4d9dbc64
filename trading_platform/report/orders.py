"""One row per order, put together from its events."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import numpy as np
import polars as pl

from ..eventlog.schema import EventArray
from ..model.enums import EventKind, OrderStatus
from ..model.instrument import Instrument
from ..model.records import Records
from .columns import money_column, name_columns, null_where, price_column, qty_column, time_column
from .order_walk import NOT_YET, order_places, orders_at
from .select import Ints, fields
from .tables import slot_column

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
_CAUSES: Final = pl.Series([*END_CAUSES.categories, None], dtype=END_CAUSES)
ORDERS_PER_PIECE: Final = 1 << 16


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
    pieces = list(order_pieces(events, instruments))
    return pl.concat(pieces) if len(pieces) > 1 else pieces[0]


def order_pieces(
    events: EventArray, instruments: Sequence[Instrument], orders_per_piece: int = ORDERS_PER_PIECE
) -> Iterator[pl.DataFrame]:
    """Yield the table of orders in pieces, by order id: in memory are a piece and ORDER_PLACES. At least one."""
    places = order_places(events)
    for start in range(0, max(1, len(places)), orders_per_piece):
        yield _frame(events, places[start : start + orders_per_piece], instruments)


def _frame(events: EventArray, places: Records, instruments: Sequence[Instrument]) -> pl.DataFrame:
    orders = orders_at(events, places, instruments)
    of = fields(orders)
    index, unsent = of["instrument"], of["sent_seq"] == 0
    first, last = of | {"kind": of["first_kind"]}, of | {"kind": of["last_kind"]}
    columns = {
        "order_id": of["order_id"],
        "parent_order_id": of["parent_order_id"],
        "replaced_by": null_where(of["replaced_by"], of["replaced_by"] == 0),
        "instrument": index,
        "account": of["account"],
        "strategy": of["strategy"],
        "slot": slot_column(of),
        "tag": of["tag"],
        **name_columns(first, "side", "order_type", "tif"),
        "price_ticks": null_where(of["price_ticks"], unsent),
        "price": price_column(of["price_ticks"], index, instruments),
        "order_lots": null_where(of["order_lots"], unsent),
        "order_qty": null_where(qty_column(of["order_lots"], index, instruments), unsent),
        "status": name_columns(last, "status_to")["status_to"],
        "cum_lots": of["cum_lots"],
        "cum_qty": qty_column(of["cum_lots"], index, instruments),
        "maker_lots": of["maker_lots"],
        "fill_count": of["fill_count"],
        "average_price": null_where(of["value"] / np.maximum(of["filled_lots"], 1), of["fill_count"] == 0),
        "fee_money": of["fee_money"],
        "fee": money_column(of["fee_money"], index, instruments),
        "sent_seq": null_where(of["sent_seq"], unsent),
        **{name: _time_column(of[f"{name}_ns"]) for name in ("sent", "acked", "ended")},
        "end_cause": _end_causes(of, _kind_at(events, of["cancel_cause_seq"])),
    }
    return pl.DataFrame(columns)


def _time_column(ns: Ints) -> pl.Series:
    return time_column(null_where(ns, ns == NOT_YET))


def _kind_at(events: EventArray, seqs: Ints) -> Ints:
    """Return the kind of the event with each seq; 0 where seq is 0 or not in this log."""
    kinds = np.zeros(len(seqs), np.uint8)
    if len(events):
        places = seqs - int(events["seq"][0])
        there = (seqs > 0) & (places >= 0) & (places < len(events))
        kinds[there] = events["kind"][places[there]]
    return kinds


def _end_causes(of: Mapping[str, Ints], cancel_causes: Ints) -> pl.Series:
    """Return why each order ended, null while it is open. A cancel that nothing asked for is the venue's."""
    status, canceled = of["status_to"], of["status_to"] == OrderStatus.CANCELED
    cases = [
        (status == OrderStatus.FILLED, "FILLED"),
        (status == OrderStatus.EXPIRED, "EXPIRED"),
        (status == OrderStatus.REJECTED, "REJECTED"),
        (canceled & (of["replaced_by"] != 0), "REPLACED"),
        (canceled & (cancel_causes == EventKind.HALT), "CANCELED_BY_HALT"),
        (canceled & (cancel_causes == 0), "CANCELED_BY_VENUE"),
        (canceled, "CANCELED_ON_REQUEST"),
    ]
    names = END_CAUSES.categories.to_list()
    chosen = np.select([when for when, _ in cases], [names.index(name) for _, name in cases], len(names))
    return _CAUSES.gather(pl.Series(chosen))
