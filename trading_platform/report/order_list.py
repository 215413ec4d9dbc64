"""The orders and the denials of a run as lists for people: selected, sorted, cut, and summed up on one line."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl

from ..eventlog.schema import EventArray
from ..model.enums import EventFlag, EventKind, OrderStatus
from ..model.instrument import Instrument
from .columns import name_columns, price_column, qty_column, require_instruments, time_column
from .fitting import plain_table
from .orders import END_CAUSES
from .select import field
from .summary import iso_utc
from .tables import slot_column
from .units import Units, slot_name, time_text
from .words import denial_text, short_id

if TYPE_CHECKING:
    from rich.table import Table

OPEN: Final = tuple(
    status.name for status in (OrderStatus.PENDING_NEW, OrderStatus.WORKING, OrderStatus.PARTIALLY_FILLED)
)
_CAUSE_WORDS: Final[Mapping[str | None, str]] = {
    None: "",
    "FILLED": "",
    "REPLACED": "replaced",
    "CANCELED_ON_REQUEST": "on request",
    "CANCELED_BY_HALT": "by a halt",
    "CANCELED_BY_VENUE": "by the venue",
    "EXPIRED": "found nothing to trade with",
    "REJECTED": "",
}
assert set(_CAUSE_WORDS) == {None, *END_CAUSES.categories}
ORDER_SORTS: Final[Mapping[str, str]] = {
    "id": "order_id",
    "slot": "slot",
    "price": "price_ticks",
    "quantity": "order_lots",
    "status": "status",
    "filled": "cum_lots",
    "average": "average_price",
    "fee": "fee_money",
    "sent": "sent",
    "acked": "acked",
    "ended": "ended",
    "lifetime": "lifetime",
}
_ORDER_TIMES: Final = ("sent", "acked", "ended")
DENIAL_SORTS: Final[Mapping[str, str]] = {
    "time": "time",
    "slot": "slot",
    "why": "code",
    "price": "price_ticks",
    "quantity": "qty_lots",
    "count": "count",
}


@dataclass(frozen=True)
class Selection:
    """Which rows are wanted. Empty and None mean all.

    Attributes
    ----------
    statuses : of orders
    causes : ``end_cause`` of orders, ``code`` of denials
    sides : BUY, SELL
    slots : within the instrument
    from_ns, to_ns : [ns] when it was sent or denied, from <= time < to
    min_lots : [lots] of orders: filled at least that much
    """

    statuses: tuple[str, ...] = ()
    causes: tuple[str, ...] = ()
    sides: tuple[str, ...] = ()
    slots: tuple[int, ...] = ()
    from_ns: int | None = None
    to_ns: int | None = None
    min_lots: int = 0


def select_orders(orders: pl.DataFrame, wanted: Selection, sort: str = "id") -> pl.DataFrame:
    """Return the orders that are wanted.

    Parameters
    ----------
    orders : as orders_frame returns them
    sort : a key of ORDER_SORTS, "-" before it for the highest first; nulls come last
    """
    rows = orders.with_columns((pl.col("ended") - pl.col("sent")).alias("lifetime"))
    rows = rows.filter(*_conditions(wanted, "sent", "end_cause"))
    if wanted.statuses:
        rows = rows.filter(pl.col("status").cast(pl.String).is_in(wanted.statuses))
    if wanted.min_lots:
        rows = rows.filter(pl.col("cum_lots") >= wanted.min_lots)
    return _sorted(rows, sort, ORDER_SORTS, "order_id").drop("lifetime")


def denials_frame(events: EventArray, instruments: Sequence[Instrument]) -> pl.DataFrame:
    """Return one row per written denial; ``count`` says how often it happened in a row, with the same wish.

    ``observed``, ``limit`` and ``headroom`` are in the unit of the rule (see EVENT_RULES), ``price`` and ``qty`` what
    was wanted. ``place`` is the index of the event in the log.
    """
    places = np.flatnonzero(events["kind"] == EventKind.DENIED)
    denied = events.take(places)
    require_instruments(denied["instrument"], instruments)
    again = (denied["flags"] & EventFlag.COALESCED) != 0
    repeats = pl.DataFrame({"seq": field(denied[again], "cause_seq"), "again": field(denied[again], "c")})
    repeats = repeats.group_by("seq").agg(pl.col("again").sum())
    first = denied[~again]
    index, ticks, lots = (field(first, name) for name in ("instrument", "price_ticks", "qty_lots"))
    frame = pl.DataFrame(
        {
            "seq": field(first, "seq"),
            "time": time_column(field(first, "now_ns")),
            "instrument": index,
            "slot": slot_column(first),
            **name_columns(first, "side"),
            "code": name_columns(first, "code")["code_name"],
            "price_ticks": ticks,
            "price": price_column(ticks, index, instruments),
            "qty_lots": lots,
            "qty": qty_column(lots, index, instruments),
            "observed": field(first, "a"),
            "limit": field(first, "b"),
            "headroom": field(first, "c"),
            "cause_seq": field(first, "cause_seq"),
            "place": places[~again],
        }
    )
    return frame.join(repeats, on="seq", how="left", maintain_order="left").select(
        pl.all().exclude("again", "place"), (1 + pl.col("again").fill_null(0)).alias("count"), "place"
    )


def select_denials(denials: pl.DataFrame, wanted: Selection, sort: str = "time") -> pl.DataFrame:
    """Return the denials that are wanted, sorted by a key of DENIAL_SORTS; see select_orders."""
    rows = denials.filter(*_conditions(wanted, "time", "code"))
    return _sorted(rows, sort, DENIAL_SORTS, "seq")


def _conditions(wanted: Selection, time: str, cause: str) -> list[pl.Expr]:
    conditions = []
    if wanted.causes:
        conditions.append(pl.col(cause).cast(pl.String).is_in(wanted.causes))
    if wanted.sides:
        conditions.append(pl.col("side").cast(pl.String).is_in(wanted.sides))
    if wanted.slots:
        conditions.append(pl.col("slot").is_in(wanted.slots))
    if wanted.from_ns is not None:
        conditions.append(pl.col(time).cast(pl.Int64) >= wanted.from_ns)
    if wanted.to_ns is not None:
        conditions.append(pl.col(time).cast(pl.Int64) < wanted.to_ns)
    return conditions


def _sorted(rows: pl.DataFrame, sort: str, keys: Mapping[str, str], last: str) -> pl.DataFrame:
    column = keys[sort.removeprefix("-")]
    return rows.sort(column, last, descending=[sort.startswith("-"), False], nulls_last=True)


# --- totals


def order_totals(orders: pl.DataFrame, units: Units) -> str:
    """Return what orders came to on one line: how they ended, and what was bought and sold at which average price."""
    ends = (
        orders.with_columns(
            pl.when(pl.col("status").cast(pl.String).is_in(OPEN))
            .then(pl.lit("open"))
            .otherwise(pl.col("status").cast(pl.String).str.to_lowercase())
            .alias("end")
        )
        .group_by("end")
        .len()
        .sort("len", "end", descending=[True, False])
    )
    parts = [", ".join(f"{count:,} {end}" for end, count in ends.iter_rows())]
    for side, verb in (("BUY", "bought"), ("SELL", "sold")):
        own = orders.filter(pl.col("side").cast(pl.String) == side, pl.col("cum_lots") > 0)
        lots = int(own["cum_lots"].sum())
        if lots:
            ticks = float((own["cum_lots"] * own["average_price"]).sum()) / lots
            parts.append(f"{verb} {units.qty(lots)} {units.qty_unit} at {average_text(ticks, units)}")
    fee = int(orders["fee_money"].sum())
    if fee:
        parts.append(f"fees {units.money(fee)}")
    return f"{len(orders):,} {'order' if len(orders) == 1 else 'orders'}: {'; '.join(parts)}"


def denial_totals(denials: pl.DataFrame) -> str:
    """Return how many denials there were, by code, those that were only counted too."""
    by_code = (
        denials.group_by("code").agg(pl.col("count").sum()).sort("count", "code", descending=[True, False])
    )
    codes = ", ".join(f"{code} {count:,}" for code, count in by_code.iter_rows())
    return f"{int(denials['count'].sum()):,} denials: {codes}"


def average_text(price: float | None, units: Units) -> str:
    """Return an average price with one decimal more than the tick has."""
    if price is None:
        return ""
    exponent = units.instrument.tick_size.as_tuple().exponent
    return f"{price:.{max(0, -exponent) + 1 if isinstance(exponent, int) else 1}f}"


# --- tables


def order_table(
    orders: pl.DataFrame, instruments: Sequence[Instrument], begin_ns: int, absolute: bool
) -> "Table":
    """Return orders as a table. Times count from ``begin_ns`` [ns], or are UTC if ``absolute``."""
    names = ("id", "slot", "price", "quantity", "status", "filled", "average", *_ORDER_TIMES, "why")
    table = plain_table(*names, left=("slot", "status", "why"))
    for row in _with_ns(orders, *_ORDER_TIMES).iter_rows(named=True):
        units = Units(instruments[row["instrument"]])
        why = f"replaced by {short_id(row['replaced_by'])}" if row["replaced_by"] else ""
        table.add_row(
            str(short_id(row["order_id"])),
            _slot(row),
            units.price(row["price_ticks"]) if row["price_ticks"] is not None else "",
            units.qty(row["order_lots"]) if row["order_lots"] is not None else "",
            row["status"].lower().replace("_", " "),
            units.qty(row["cum_lots"]) if row["cum_lots"] else "",
            average_text(row["average_price"], units),
            *(time_text(row[name], begin_ns, absolute) for name in _ORDER_TIMES),
            why or _why(row),
        )
    return table


def denial_table(
    denials: pl.DataFrame,
    events: EventArray,
    instruments: Sequence[Instrument],
    begin_ns: int,
    absolute: bool,
) -> "Table":
    """Return denials as a table; see order_table."""
    names = ("seq", "time", "slot", "price", "quantity", "count", "why")
    table = plain_table(*names, left=("slot",), folded=("why",))
    for row in _with_ns(denials, "time").iter_rows(named=True):
        units = Units(instruments[row["instrument"]])
        table.add_row(
            str(row["seq"]),
            time_text(row["time"], begin_ns, absolute),
            _slot(row),
            units.price(row["price_ticks"]) if row["price_ticks"] else "",
            units.qty(row["qty_lots"]) if row["qty_lots"] else "",
            f"{row['count']:,}",
            denial_text(events[row["place"]], units),
        )
    return table


# --- rows for machines


def order_rows(orders: pl.DataFrame) -> list[dict[str, Any]]:
    """Return orders as JSON values: the columns of the table, times as ISO 8601, and the names a terminal shows."""
    rows = []
    for row in _with_ns(orders, *_ORDER_TIMES).iter_rows(named=True):
        times = {name: iso_utc(row[name]) if row[name] is not None else None for name in _ORDER_TIMES}
        rows.append(row | times | {"short_id": short_id(row["order_id"]), "slot_name": _slot(row)})
    return rows


def denial_rows(
    denials: pl.DataFrame, events: EventArray, instruments: Sequence[Instrument]
) -> list[dict[str, Any]]:
    """Return denials as JSON values; ``why`` says the reason in words."""
    rows = []
    for row in _with_ns(denials, "time").iter_rows(named=True):
        why = denial_text(events[row.pop("place")], Units(instruments[row["instrument"]]))
        rows.append(row | {"time": iso_utc(row["time"]), "slot_name": _slot(row), "why": why})
    return rows


def _with_ns(rows: pl.DataFrame, *names: str) -> pl.DataFrame:
    """Return rows with times as [ns]: Python's own times end at microseconds."""
    return rows.with_columns(pl.col(name).cast(pl.Int64) for name in names)


def _why(row: Mapping[str, Any]) -> str:
    if row["end_cause"] == "EXPIRED" and row["tif"] == "POST_ONLY":
        return "post-only would have traded"
    return _CAUSE_WORDS[row["end_cause"]]


def _slot(row: Mapping[str, Any]) -> str:
    return slot_name(row["slot"]) if row["slot"] is not None else str(row["side"]).lower()
