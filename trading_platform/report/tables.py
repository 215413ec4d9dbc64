"""Events, fills and equity as polars frames: exact integers, and float64 columns in human units next to them.

Prices are in quote currency, quantities in the instrument's own unit (base currency or contracts), money in
settlement currency. ``instruments`` is the list that the field ``instrument`` indexes.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from ..eventlog.schema import EventArray
from ..metrics.execution import value_money
from ..model.enums import EventFlag, EventKind
from ..model.instrument import Instrument
from ..model.records import NO_SLOT
from .columns import (
    mark_column,
    money_column,
    name_columns,
    null_where,
    price_column,
    qty_column,
    require_instruments,
    time_column,
)
from .select import Ints, fields, of_kind


def events_frame(events: EventArray, instruments: Sequence[Instrument]) -> pl.DataFrame:
    """Return one row per event, all fields. Names are null where the kind does not carry the field.

    ``price`` is null where ``price_ticks`` is 0: no price was said.
    """
    of = fields(events)
    require_instruments(of["instrument"], instruments)
    index, ticks, lots = of["instrument"], of["price_ticks"], of["qty_lots"]
    names = name_columns(of, "kind", "side", "order_type", "tif", "status_from", "status_to", "code")
    columns: dict[str, pl.Series | Ints] = {
        "seq": of["seq"],
        "cause_seq": of["cause_seq"],
        "time": time_column(of["now_ns"]),
        "ts_exch_ns": of["ts_exch_ns"],
        "kind": names["kind"],
        "instrument": index,
        "account": of["account"],
        "strategy": of["strategy"],
        "slot": slot_column(of),
        "tag": of["tag"],
        "order_id": of["order_id"],
        "parent_order_id": of["parent_order_id"],
        "ref": of["ref"],
        "side": names["side"],
        "order_type": names["order_type"],
        "tif": names["tif"],
        "price_ticks": ticks,
        "price": price_column(ticks, index, instruments),
        "qty_lots": lots,
        "qty": qty_column(lots, index, instruments),
        "leaves_lots": of["leaves_lots"],
        "status_from": names["status_from"],
        "status_to": names["status_to"],
        "pending_from": of["pending_from"],
        "pending_to": of["pending_to"],
        "code": of["code"],
        "code_name": names["code_name"],
        "flags": of["flags"],
        "a": of["a"],
        "b": of["b"],
        "c": of["c"],
    }
    return pl.DataFrame(columns)


def fills_frame(events: EventArray, instruments: Sequence[Instrument]) -> pl.DataFrame:
    """Return one row per fill. ``value`` is what was traded in settlement currency, ``position`` after it."""
    of = fields(of_kind(events, EventKind.FILL))
    index, ticks, lots, net_lots = of["instrument"], of["price_ticks"], of["qty_lots"], of["c"]
    require_instruments(index, instruments)
    fee_money, value = of["a"], fill_values(of, instruments)
    columns: dict[str, pl.Series | Ints] = {
        "seq": of["seq"],
        "time": time_column(of["now_ns"]),
        "ts_exch_ns": of["ts_exch_ns"],
        "order_id": of["order_id"],
        "instrument": index,
        "account": of["account"],
        "strategy": of["strategy"],
        "slot": slot_column(of),
        "tag": of["tag"],
        **name_columns(of, "side"),
        "price_ticks": ticks,
        "price": price_column(ticks, index, instruments),
        "qty_lots": lots,
        "qty": qty_column(lots, index, instruments),
        "value_money": value,
        "value": money_column(value, index, instruments),
        "fee_money": fee_money,
        "fee": money_column(fee_money, index, instruments),
        "cum_lots": of["b"],
        "leaves_lots": of["leaves_lots"],
        "net_lots": net_lots,
        "position": qty_column(net_lots, index, instruments),
    }
    for flag in (EventFlag.MAKER, EventFlag.REDUCING, EventFlag.ESTIMATED, EventFlag.LATE):
        columns[str(flag.name).lower()] = (of["flags"] & flag) != 0
    return pl.DataFrame(columns)


def equity_frame(events: EventArray, instruments: Sequence[Instrument]) -> pl.DataFrame:
    """Return one row per PNL event: equity after fees, mark, drawdown and position."""
    of = fields(of_kind(events, EventKind.PNL))
    index, net_lots = of["instrument"], of["qty_lots"]
    equity, mark, drawdown = of["a"], of["b"], of["c"]
    require_instruments(index, instruments)
    columns: dict[str, pl.Series | Ints] = {
        "seq": of["seq"],
        "time": time_column(of["now_ns"]),
        "instrument": index,
        "account": of["account"],
        "strategy": of["strategy"],
        "equity_money": equity,
        "equity": money_column(equity, index, instruments),
        "drawdown_money": drawdown,
        "drawdown": money_column(drawdown, index, instruments),
        "mark_halfticks": mark,
        "mark": mark_column(mark, index, instruments),
        "net_lots": net_lots,
        "position": qty_column(net_lots, index, instruments),
    }
    return pl.DataFrame(columns)


def fill_values(fills: Mapping[str, Ints], instruments: Sequence[Instrument]) -> Ints:
    """Return what each FILL event is worth in settlement currency [money], int64."""
    values = np.zeros(len(fills["qty_lots"]), np.int64)
    for index, instrument in enumerate(instruments):
        chosen = fills["instrument"] == index
        if chosen.any():
            lots, ticks = fills["qty_lots"][chosen], fills["price_ticks"][chosen]
            values[chosen] = value_money(lots, 2 * ticks, instrument)
    return values


def slot_column(events: EventArray | Mapping[str, Ints]) -> pl.Series:
    """Return slots; null where an event belongs to none."""
    slots = np.ascontiguousarray(events["slot"])
    return null_where(slots, slots == NO_SLOT)
