"""One row per order, put together from its events."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
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
from .select import PIECE_EVENTS, Ints, field
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
COLUMNS: Final = (
    "order_id", "parent_order_id", "replaced_by", "instrument", "account", "strategy", "slot", "tag", "side",
    "order_type", "tif", "price_ticks", "price", "order_lots", "order_qty", "status", "cum_lots", "cum_qty",
    "maker_lots", "fill_count", "average_price", "fee_money", "fee", "sent_seq", "sent", "acked", "ended", "end_cause",
)  # fmt: skip
NOWHERE: Final = -1
_NO_IDS: Final[Ints] = np.zeros(0, np.int64)
ORDERS_PER_PIECE: Final = 1 << 16
Mask = npt.NDArray[np.bool_]
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
    pieces = list(order_pieces(events, instruments))
    return pl.concat(pieces) if len(pieces) > 1 else pieces[0]


def order_pieces(
    events: EventArray, instruments: Sequence[Instrument], orders_per_piece: int = ORDERS_PER_PIECE
) -> Iterator[pl.DataFrame]:
    """Yield the table of orders in pieces, by order id: the memory of a piece, however long the log. At least one."""
    survey = _survey(events)
    for start in range(0, max(1, len(survey.order_id)), orders_per_piece):
        chosen = slice(start, start + orders_per_piece)
        yield _frame(_steps(events, survey, chosen), survey.replaced_by[chosen], events, instruments)


@dataclass(frozen=True)
class _Survey:
    """All orders of a log by id: the places of their first and last event, and who took their place (0: nobody)."""

    order_id: Ints
    first: Ints
    last: Ints
    replaced_by: Ints


def _survey(events: EventArray) -> _Survey:
    ids, firsts, lasts, parents, heirs = ([_NO_IDS] for _ in range(5))
    for start in range(0, len(events), PIECE_EVENTS):
        piece = events[start : start + PIECE_EVENTS]
        place = np.flatnonzero(_IS_STEP.take(piece["kind"]))
        found, row = np.unique(piece["order_id"][place], return_inverse=True)
        first, last = np.empty(len(found), np.int64), np.empty(len(found), np.int64)
        first[row[::-1]], last[row] = start + place[::-1], start + place
        pairs = piece.take(np.flatnonzero(piece["kind"] == EventKind.REPLACED))
        ids.append(found)
        firsts.append(first)
        lasts.append(last)
        parents.append(field(pairs, "parent_order_id"))
        heirs.append(field(pairs, "order_id"))
    order_id, row = np.unique(np.concatenate(ids), return_inverse=True)
    first, last = np.empty(len(order_id), np.int64), np.empty(len(order_id), np.int64)
    first[row[::-1]], last[row] = np.concatenate(firsts)[::-1], np.concatenate(lasts)
    return _Survey(
        order_id, first, last, _replaced_by(order_id, np.concatenate(parents), np.concatenate(heirs))
    )


def _replaced_by(order_id: Ints, parents: Ints, heirs: Ints) -> Ints:
    found = np.zeros(len(order_id), np.int64)
    if len(order_id):
        row = np.minimum(np.searchsorted(order_id, parents), len(order_id) - 1)
        known = order_id[row] == parents
        np.maximum.at(found, row[known], heirs[known])
    return found


def _frame(
    steps: "_Steps", replaced_by: Ints, events: EventArray, instruments: Sequence[Instrument]
) -> pl.DataFrame:
    """Return the rows of some orders, all of whose events are given."""
    new = (steps.kind == EventKind.SENT) & (steps.a == CommandKind.NEW)
    acks = (steps.kind == EventKind.STATUS) & (steps.a == ReportKind.ACK)
    ends = np.isin(steps.status_to, TERMINAL) & ~np.isin(steps.status_from, TERMINAL)
    cancels = (steps.kind == EventKind.SENT) & (steps.a == CommandKind.CANCEL)
    every = np.ones(len(steps.place), np.bool_)
    places = {
        "first": steps.first(every),
        "last": steps.last(every),
        "sent": steps.first(new),
        "acked": steps.first(acks),
        "ended": steps.first(ends),
        "cancel": steps.last(cancels),
    }
    index = field(events.take(places["first"]), "instrument")
    made = _columns(places, events, instruments, index) | _fills(steps, events, instruments, index)
    made["replaced_by"] = pl.Series(replaced_by).set(pl.Series(replaced_by == 0), None)
    return pl.DataFrame(made).with_columns(_end_cause()).select(COLUMNS)


@dataclass(frozen=True)
class _Steps:
    """The events of orders in the order of the log, and what tells them apart."""

    place: Ints
    row: Ints  # of the order in the table: place of its id among ``order_id``
    kind: Ints
    a: Ints
    status_from: Ints
    status_to: Ints
    order_id: Ints  # one per order, ascending

    def first(self, chosen: Mask) -> Ints:
        """Return per order the first place of the chosen steps, NOWHERE without one."""
        found = np.full(len(self.order_id), NOWHERE)
        found[self.row[chosen][::-1]] = self.place[chosen][::-1]
        return found

    def last(self, chosen: Mask) -> Ints:
        """Return per order the last place of the chosen steps, NOWHERE without one."""
        found = np.full(len(self.order_id), NOWHERE)
        found[self.row[chosen]] = self.place[chosen]
        return found


def _steps(events: EventArray, survey: _Survey, chosen: slice) -> _Steps:
    """Return the events of some orders, whose ids are neighbours: from the first of any to the last of any."""
    order_id = survey.order_id[chosen]
    places = [np.zeros(0, np.int64)]
    if len(order_id):
        stop = int(survey.last[chosen].max()) + 1
        for start in range(int(survey.first[chosen].min()), stop, PIECE_EVENTS):
            piece = events[start : min(start + PIECE_EVENTS, stop)]
            at = np.flatnonzero(_IS_STEP.take(piece["kind"]))
            ids = piece["order_id"][at]
            places.append(start + at[(ids >= order_id[0]) & (ids <= order_id[-1])])
    place = np.concatenate(places)
    row = np.searchsorted(order_id, events["order_id"][place])
    kind, a, status_from, status_to = (
        events[name][place] for name in ("kind", "a", "status_from", "status_to")
    )
    return _Steps(place, row, kind, a, status_from, status_to, order_id)


def _fills(
    steps: _Steps, events: EventArray, instruments: Sequence[Instrument], index: Ints
) -> dict[str, pl.Series | Ints]:
    """Return what the fills of each order add up to; ``index`` are the orders' instruments."""
    chosen, count = steps.kind == EventKind.FILL, len(steps.order_id)
    row, fills = steps.row[chosen], events.take(steps.place[chosen])
    require_instruments(fills, instruments)
    lots = field(fills, "qty_lots")
    prices = price_column(field(fills, "price_ticks"), field(fills, "instrument"), instruments).to_numpy()
    fill_count = np.bincount(row, minlength=count)
    cum_lots, maker_lots, fee_money = (np.zeros(count, np.int64) for _ in range(3))
    np.maximum.at(cum_lots, row, field(fills, "b"))
    np.add.at(maker_lots, row, lots * ((fills["flags"] & EventFlag.MAKER) != 0))
    np.add.at(fee_money, row, field(fills, "a"))
    values, weights = np.bincount(row, lots * prices, count), np.bincount(row, lots, count)
    there = fill_count > 0
    average = pl.Series(values / np.where(there, weights, 1.0)).set(pl.Series(~there), None)
    return {
        "fill_count": fill_count.astype(np.int64),
        "cum_lots": cum_lots,
        "cum_qty": qty_column(cum_lots, index, instruments),
        "maker_lots": maker_lots,
        "average_price": average,
        "fee_money": fee_money,
        "fee": money_column(fee_money, index, instruments),
    }


def _columns(
    places: dict[str, Ints], events: EventArray, instruments: Sequence[Instrument], index: Ints
) -> dict[str, pl.Series | Ints]:
    """Return fields of the events that stand at these places, in human units too."""
    first, last = events.take(places["first"]), events.take(places["last"])
    require_instruments(first, instruments)
    ticks, lots = (_at(events, places["sent"], name) for name in ("price_ticks", "qty_lots"))
    return {
        "order_id": field(first, "order_id"),
        "parent_order_id": field(first, "parent_order_id"),
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
        "sent_seq": _at(events, places["sent"], "seq"),
        **{name: time_column(_at(events, places[name], "now_ns")) for name in ("sent", "acked", "ended")},
        "cancel_cause": _kind_at(events, _at(events, places["cancel"], "cause_seq").fill_null(0).to_numpy()),
    }


def _at(events: EventArray, places: Ints, name: str) -> pl.Series:
    """Return a field of the events at these places; null where there is none."""
    nowhere = places == NOWHERE
    values = np.where(nowhere, 0, events[name][np.maximum(places, 0)] if len(events) else 0)
    return pl.Series(values, dtype=pl.Int64).set(pl.Series(nowhere), None)


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
