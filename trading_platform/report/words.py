"""One event of an order in plain words, with human prices: what was asked, sent, answered, filled."""

from collections.abc import Mapping
from typing import Final

import numpy as np

from ..eventlog.text import value_text
from ..model.enums import (
    AnomalyCode,
    CommandKind,
    DenyCode,
    EventFlag,
    EventKind,
    HaltCode,
    HoldCode,
    IntentKind,
    OrderType,
    Pending,
    ReportKind,
    Side,
    TimeInForce,
)
from ..model.ids import ORDER_COUNTER_BITS
from .units import Units, span_text

D, H = DenyCode, HoldCode
# what the observed value of a denial counts; the rules not named here have no number to tell
PRICE_RULES: Final = frozenset({D.BAD_PRICE, D.POST_ONLY_WOULD_CROSS, D.SELF_CROSS})
QTY_RULES: Final = frozenset({D.BAD_QTY, D.TAKER_SWEEP, D.POSITION})
NOTIONAL_RULES: Final = frozenset(
    {
        D.MIN_ORDER_NOTIONAL,
        D.SINGLE_ORDER_NOTIONAL,
        D.GROSS_NOTIONAL,
        D.QUOTE_GROSS_NOTIONAL,
        D.QUOTE_NET_NOTIONAL,
    }
)
COUNT_RULES: Final = frozenset({D.ACTIVE_QUOTES, D.ORDER_TABLE_FULL})
DENIALS: Final[Mapping[DenyCode, str]] = {
    D.NONE: "no reason was given",
    D.END_OF_DATA: "the data had ended",
    D.NOT_FOUND: "the slot had no order to cancel or replace",
    D.DUPLICATE: "the slot has an order already",
    D.HALTED: "trading is halted",
    D.TRADING_DISABLED: "trading is disabled (risk.trading_enabled)",
    D.BAD_TYPE: "no such order type or time in force",
    D.BAD_QTY: "quantity {observed}, must be above 0 and at most {limit}",
    D.BAD_PRICE: "price {observed} is out of the range that ends at {limit}",
    D.NO_BOOK: "a market order needs a price on the other side, there was none",
    D.POST_ONLY_WOULD_CROSS: "post-only would have traded: {observed} against the touch at {limit}",
    D.SELF_CROSS: "{observed} would have met an own order at {limit}",
    D.TAKER_SWEEP: "{observed} is more than the {limit} at the best level (engine.taker_sweeps)",
    D.MIN_ORDER_NOTIONAL: "worth {observed}, must be at least {limit}",
    D.SINGLE_ORDER_NOTIONAL: "worth {observed}, limit {limit}",
    D.POSITION: "position could reach {observed}, limit {limit}",
    D.GROSS_NOTIONAL: "position and orders could be worth {observed}, limit {limit}",
    D.QUOTE_GROSS_NOTIONAL: "open orders would be worth {observed}, limit {limit}",
    D.QUOTE_NET_NOTIONAL: "open buys and sells would differ by {observed}, limit {limit}",
    D.ACTIVE_QUOTES: "{observed} orders would be open at once, limit {limit}",
    D.ORDER_TABLE_FULL: "{observed} orders would be open at once, the table holds {limit}",
}
HOLDS: Final[Mapping[HoldCode, str]] = {
    H.NONE: "no reason was given",
    H.RATE_LIMIT: "the rate limit",
    H.IN_FLIGHT: "the venue's answer to the request in flight",
    H.SENT: "it was sent",
    H.SUPERSEDED: "the strategy asked for something newer",
    H.DENIED: "it was denied",
    H.CLEARED_BY_HALT: "trading was halted",
    H.FILL_WON: "the order to be replaced was filled first",
    H.NO_CHANGE: "there was nothing left to change",
    H.VENUE_REFUSED: "the venue refused the cancel",
    H.DROPPED: "post-only would have traded",
}
_TIFS: Final = {
    TimeInForce.GTC: "",
    TimeInForce.POST_ONLY: " post-only",
    TimeInForce.FOK: " fill-or-kill",
    TimeInForce.IOC: " immediate-or-cancel",
}
assert set(DENIALS) == set(DenyCode)
assert set(HOLDS) == set(HoldCode)


def short_id(order_id: int) -> int:
    """Return an order id without its session epoch: what a terminal shows."""
    return order_id & ((1 << ORDER_COUNTER_BITS) - 1)


def wish_text(event: np.void, units: Units) -> str:
    """Return what an event's order or wish is: ``buy 0.010 BTC at 60000.1 post-only``."""
    side, lots = Side(int(event["side"])).name.lower(), int(event["qty_lots"])
    tif = _TIFS[TimeInForce(int(event["tif"]))]
    at = f"at {units.price(int(event['price_ticks']))}" if event["price_ticks"] else "at the market"
    if event["order_type"] == OrderType.MARKET and event["price_ticks"]:
        at = f"at the market, {units.price(int(event['price_ticks']))} at worst"
    return f"{side} {units.qty(lots)} {units.qty_unit} {at}{tif}"


def denial_values(code: int, value: int, units: Units) -> str | None:
    """Return the observed value, limit or headroom of a denial in its unit; None if the rule has none."""
    if code in PRICE_RULES:
        return units.price(value)
    if code in QTY_RULES:
        return f"{units.qty(value)} {units.qty_unit}"
    if code in NOTIONAL_RULES:
        return units.notional(value)
    return f"{value:,}" if code in COUNT_RULES else None


def denial_text(event: np.void, units: Units) -> str:
    """Return why a wish was denied, in words."""
    code = DenyCode(int(event["code"]))
    observed, limit = (denial_values(code, int(event[name]), units) for name in ("a", "b"))
    text = DENIALS[code].format(observed=observed, limit=limit)
    if code == D.DUPLICATE:
        text = f"the slot has order {short_id(int(event['a']))} already"
    elif code == D.HALTED:
        text = f"{text} ({value_text(EventKind.HALT, 'code', int(event['a']))})"
    return f"{code.name}: {text}"


def event_words(event: np.void, cause: np.void | None, order_id: int, units: Units) -> str:
    """Return an event in plain words, as part of the story of one order.

    Parameters
    ----------
    event : EVENT of a kind that concerns an order, a wish for its slot, or a HALT
    cause : the event that ``cause_seq`` names, None if there is none in the log
    order_id : of the story: other orders are named
    """
    match EventKind(int(event["kind"])):
        case EventKind.INTENT:
            return _intent(event, units)
        case EventKind.DENIED:
            if event["flags"] & EventFlag.COALESCED:
                return f"denied in the same way {int(event['c']):,} more times"
            return f"denied {denial_text(event, units)}"
        case EventKind.QUEUED:
            until = int(event["a"]) - int(event["now_ns"])
            return f"waits for {HOLDS[HoldCode(int(event['code']))]}" + (
                f", for {span_text(until)} at least" if event["a"] else ""
            )
        case EventKind.DEQUEUED:
            return f"given up: {HOLDS[HoldCode(int(event['code']))]}"
        case EventKind.SENT:
            return _sent(event, order_id, units)
        case EventKind.STATUS:
            return _status(event, cause)
        case EventKind.FILL:
            return _fill(event, units)
        case EventKind.REPLACED:
            if int(event["order_id"]) != order_id:
                return f"replaced: order {short_id(int(event['order_id']))} took its place"
            return f"took the place of order {short_id(int(event['parent_order_id']))}"
        case EventKind.VENUE_REJECT:
            return _venue_reject(event)
        case EventKind.QUERY:
            waited = span_text(int(event["now_ns"]) - int(event["a"]))
            return f"no answer in {waited}: the venue is asked"
        case EventKind.HALT:
            return _halt(event, units)
        case _:
            return _anomaly(event)


def _intent(event: np.void, units: Units) -> str:
    kind, tag = IntentKind(int(event["a"])), f" (tag {int(event['tag'])})" if event["tag"] else ""
    if kind == IntentKind.CANCEL:
        return f"the strategy asked: cancel{tag}"
    if kind == IntentKind.QUOTE and not event["qty_lots"]:
        return f"the strategy asked: quote nothing here{tag}"
    what = {IntentKind.QUOTE: "quote ", IntentKind.REPLACE: "replace by "}.get(kind, "")
    return f"the strategy asked: {what}{wish_text(event, units)}{tag}"


def _sent(event: np.void, order_id: int, units: Units) -> str:
    own = int(event["order_id"]) == order_id
    if event["a"] == CommandKind.CANCEL:
        what = (
            "cancel sent to the venue" if own else f"cancel of order {short_id(int(event['order_id']))} sent"
        )
        return f"{what}: first half of the replace" if event["pending_to"] & Pending.REPLACE else what
    text = (
        f"{wish_text(event, units)}{', reduces the position' if event['flags'] & EventFlag.REDUCING else ''}"
    )
    if not own:
        return f"order {short_id(int(event['order_id']))} sent in its place: {text}"
    parent = int(event["parent_order_id"])
    return f"sent to the venue: {text}" + (f", in place of order {short_id(parent)}" if parent else "")


def _status(event: np.void, cause: np.void | None) -> str:
    report = ReportKind(int(event["a"]))
    after, venue = "", ""
    if cause is not None and cause["kind"] == EventKind.SENT:
        after = f" after {span_text(int(event['now_ns']) - int(cause['now_ns']))}"
        if event["ts_exch_ns"]:
            venue = f" (at the venue after {span_text(int(event['ts_exch_ns']) - int(cause['now_ns']))})"
    if report == ReportKind.ACK:
        late = event["status_to"] == event["status_from"]
        return f"acknowledged{after}{venue}{': changes nothing any more' if late else ''}"
    if report == ReportKind.CANCELED and (cause is None or cause["a"] != CommandKind.CANCEL):
        return "canceled by the venue: nothing here asked for it"
    if report == ReportKind.EXPIRED and event["tif"] == TimeInForce.POST_ONLY:
        return f"expired{after}: post-only would have traded on arrival"
    if report == ReportKind.EXPIRED:
        return f"expired{after}: nothing more to trade with at its price"
    return f"{report.name.lower()}{after}{venue}"


def _fill(event: np.void, units: Units) -> str:
    flags = int(event["flags"])
    role = "maker" if flags & EventFlag.MAKER else "taker"
    left = units.qty(int(event["leaves_lots"])) if event["leaves_lots"] else "nothing"
    text = f"filled {units.qty(int(event['qty_lots']))} at {units.price(int(event['price_ticks']))} as {role}"
    text += f", {left} left"
    text += f", fee {units.money(int(event['a']))}" if event["a"] else ""
    text += f", position {units.qty(int(event['c']))}"
    text += ", price estimated" if flags & EventFlag.ESTIMATED else ""
    return text + (", late: the order had ended" if flags & EventFlag.LATE else "")


def _venue_reject(event: np.void) -> str:
    report, reason = ReportKind(int(event["a"])), f" (its code {int(event['code'])})" if event["code"] else ""
    if report == ReportKind.REJECTED:
        return f"rejected by the venue{reason}"
    what = "cancel" if report == ReportKind.CANCEL_REJECTED else "replace"
    return f"the venue refused the {what}{reason}: the order stays as it was"


def _halt(event: np.void, units: Units) -> str:
    code = HaltCode(int(event["code"]))
    if code in (HaltCode.DRAWDOWN, HaltCode.ROLLING_LOSS):
        seen, limit = units.money(int(event["a"])), units.money(int(event["b"]))
        return f"trading halted, {code.name}: {seen}, limit {limit}"
    return f"trading halted, {code.name}"


def _anomaly(event: np.void) -> str:
    code, report = AnomalyCode(int(event["code"])), ReportKind(int(event["a"]))
    status = value_text(EventKind.ANOMALY, "status_from", int(event["status_from"]))
    return f"impossible report, {code.name}: {report.name} in status {status}; trading halts"
