"""Record dtypes of the core state and of the event log: one table each, from which checks and schemas are made.

Core records hold int64 only: narrow or unsigned fields behave differently compiled and plain. Only the
write-only EVENT record packs its small fields.
Units: ``ticks`` price in tick sizes, ``halfticks`` twice that, ``lots`` quantity in lot sizes, ``ns`` UTC
nanoseconds, ``money`` the settlement unit of the instrument: 1e-9 quote (linear) or 1e-12 base (inverse),
``notional`` tick-lots (linear) or lots (inverse: a contract is worth a fixed amount of quote currency).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum, IntFlag
from typing import Final

import numpy as np
import numpy.typing as npt

from .enums import (
    AnomalyCode,
    ConnectionCode,
    DenyCode,
    EventFlag,
    EventKind,
    HaltCode,
    HoldCode,
    OrderStatus,
    OrderType,
    Pending,
    Side,
    TimeInForce,
)

ORDER_LOTS_MAX: Final = 10**9  # a float64 quantity still resolves 1e-6 lot there (see venues/hftbacktest)
TICKS_MAX: Final = 1 << 40
INTENT_TAG_MAX: Final = (1 << 16) - 1
LOSS_BUCKETS: Final = 64  # resolution of the rolling-loss window
RecordDtype = np.dtype[np.void]
Records = npt.NDArray[np.void]  # one array of records of one such dtype


def int64_record(*names: str) -> RecordDtype:
    """Return a dtype of int64 fields."""
    return np.dtype([(name, "i8") for name in names])


def field_word(dtype: RecordDtype, field: str) -> int:
    """Return the index of an int64 field in a record seen as int64 words."""
    assert dtype.fields is not None
    return dtype.fields[field][1] // 8


SESSION: Final = int64_record(
    "now_ns",  # local clock
    "seq",  # of the last event: grows by one, never reused
    "event_count",  # events in the buffer, not yet flushed
    "events_per_block",  # room the journal must have before a block is folded
    "intent_count",
    "report_count",
    "command_count",
    "order_id_last",
    "live_head",  # orders not yet terminal, linked in ascending id; -1 none
    "live_tail",
    "live_count",
    "held_head",  # slots of the outbox that hold something, oldest first; -1 none
    "held_tail",
    "held_count",
    "levels_per_side",  # slots per side and instrument
    "book_levels",  # copied book levels per side, 0 none
    "trades_capacity",
    "orphan_count",  # orders that no slot answers for and whose cancel was refused: see core/outbox.py
    "recheck",  # 1: something changed that can unblock a held intent
    "next_send_ns",  # when the throttle lets the next held intent go; NEVER if none waits for it
    "next_ack_timeout_ns",
    "ack_timeout_ns",  # 0 off
    "replace_policy",
    "ended",  # 1 after the end of data: no more commands
    "wake_mask",  # when the strategy wants to be called
    "wake_reason",  # why it is called now
    "timer_ns",  # set by the strategy; NEVER off
    "interval_ns",
    "next_interval_ns",
    "sample_interval_ns",  # PNL is journaled this often; 0 off
    "next_sample_ns",
    "wakeup_count",  # strategy calls
    "wakeups_max",  # the run stops there; 0 no bound
    "pause_block",  # Python is returned to when block_count gets there (progress, Ctrl-C)
    "block_count",  # timestamp blocks folded
    "block_seq",  # last event of the fold: what the next intents answer to
    "audit_count",  # records in the audit buffer, not yet flushed
    "audit",  # 1: every look at a limit is recorded
    "resync_next",  # index of the next entry of state.resyncs
    "journal_touch",  # 1: TOUCH events are written
    "started",  # 1 once a book with both sides was seen
    "feed_changed",  # 1: market data was folded in this block
    "noop_count",  # quotes and replaces that change nothing
    "dropped_count",  # post-only orders dropped
    "reports_changed",  # 1: an order report was folded in this block
    "bar_series_count",  # series of bars that are built, 0 none
    "bars_closed",  # bars that closed in this block
    "next_bar_ns",  # when the clock closes a bar that the strategy wakes for; NEVER if none
    "stop_detail",
    "stop_order_id",
    "account",
    "strategy",
)
INSTRUMENT: Final = int64_record(
    "inverse",  # 0 linear, 1 inverse
    "money_per_halfticklot",  # linear
    "value_num",  # inverse: value of 1 lot at price p ticks is value_num / (p * value_den), 1e-12 base
    "value_den",
    "maker_fee_e9",  # rates in 1e-9
    "taker_fee_e9",
    "book_min_ticks",  # the book is tracked inside this range only
    "book_max_ticks",
    "order_min_ticks",  # prices of orders are denied outside: int64 bounds are checked for this range
    "order_max_ticks",
    "taker_sweeps",  # see venues/hftbacktest: 0 estimate, 1 best_level, 2 deny
)
BOOK: Final = int64_record(
    "bid_ticks",  # 0 none
    "ask_ticks",  # 0 none
    "bid_lots",
    "ask_lots",
    "ts_exch_ns",  # of the last feed event
    "ts_local_ns",
    "mark_halfticks",  # mid; the last one known while a side is empty; 0 before the first
    "touch_changed",  # 1: differs from the block before
    "price_changed",  # 1: its prices do
    "trade_count",  # market trades of this block in state.trades
)
LEVEL: Final = int64_record("price_ticks", "qty_lots")
TRADE: Final = int64_record("price_ticks", "qty_lots", "side", "ts_exch_ns", "ts_local_ns")
ORDER: Final = int64_record(
    "order_id",  # 0: row never used
    "replaces_id",
    "instrument",
    "account",
    "strategy",
    "slot",
    "side",
    "order_type",
    "tif",
    "price_ticks",
    "order_lots",
    "cum_lots",
    "leaves_lots",
    "status",
    "pending",
    "pending_since_ns",
    "new_seq",  # seq of the SENT event of each request
    "replace_seq",
    "cancel_seq",
    "cancel_refused",  # 1: the venue refused the last cancel
    "last_seq",  # of the last event about this order
    "sent_ns",
    "tag",
    "quoted",
    "replaced_by_id",  # the newest order that was sent to take its place, 0 none
    "replace_done",  # 1: REPLACED was journaled
    "accepted",  # 1: the venue has it, or had it: an acknowledgement or a fill came
    "next_row",
    "prev_row",
    # the venue adapter's notes: what it last saw there
    "venue_ts_ns",
    "venue_leaves_lots",
    "venue_request",
)
SLOT: Final = int64_record(
    "instrument",
    "level",
    "side",  # fixed: a slot is (instrument, side, level)
    "order_row",  # the order that answers for the slot; -1 none
    # what the outbox holds: see core/outbox.py, its only writer
    "held",
    "held_quoted",  # 1: from quote()
    "held_type",
    "held_tif",
    "held_price_ticks",
    "held_lots",
    "held_tag",
    "approved_lots",  # what the last check let through: less than held_lots where a taker finds no more
    "held_seq",  # of its INTENT; 0 not journaled yet
    "held_kind",  # IntentKind asked for
    "held_code",  # HoldCode it was last QUEUED for; NONE if it never waited
    "held_replaces_id",  # the order whose cancel it waits for
    "reserved_lots",  # counted in the exposure while it waits
    "reserved_ticks",
    "next_slot",
    "prev_slot",
    # the last denial: identical ones are counted, not written
    "denied_code",
    "denied_kind",  # IntentKind
    "denied_tif",
    "denied_type",
    "denied_price_ticks",
    "denied_lots",
    "denied_count",
    "denied_seq",
)
POSITION: Final = int64_record(
    "account",
    "instrument",
    "net_lots",
    "cash_ticklots",  # linear: minus sum of side * lots * ticks
    "cash_money",  # inverse: sum of side * value of the fill
    "fee_money",
    "buy_lots",  # cumulated fills
    "sell_lots",
    "fill_count",
    # worst case: leaves of working and in-flight orders plus what waits in the outbox
    "open_buy_lots",
    "open_sell_lots",
    "open_buy_notional",
    "open_sell_notional",
    "open_count",
)
LIMITS: Final = int64_record(
    "trading_enabled",
    "position_lots_max",
    "gross_notional_max",
    "order_notional_max",
    "order_notional_min",
    "quote_gross_notional_max",
    "quote_net_notional_max",
    "active_quotes_max",
    "drawdown_money_max",
    "rolling_loss_money_max",
    "rolling_bucket_ns",  # window / (LOSS_BUCKETS - 1), 0 without the rule
    "post_only_mode",
    "market_collar_e9",  # of the opposite touch
    "order_lots_max",
)
LOSS: Final = np.dtype(
    [
        ("equity_money", "i8"),
        ("equity_peak_money", "i8"),
        ("drawdown_money", "i8"),  # now
        ("drawdown_money_max", "i8"),  # so far
        ("halted", "i8"),  # HaltCode, latched
        ("halt_seq", "i8"),  # of the HALT event: it was journaled and the outbox cleared; 0 not yet
        ("bucket", "i8"),  # number of the current bucket of the rolling window
        ("rolling_peak_money", "i8"),
        ("bucket_peak_money", "i8", (LOSS_BUCKETS,)),
    ]
)
THROTTLE: Final = int64_record(
    "interval_ns",  # emission interval of the GCRA; 0 unlimited
    "tolerance_ns",  # (burst - 1) * interval
    "tat_ns",  # theoretical arrival time
)
INTENT: Final = int64_record("kind", "slot", "order_type", "tif", "price_ticks", "qty_lots", "tag")
REPORT: Final = int64_record(
    "kind",
    "order_id",
    "instrument",
    "side",
    "last_lots",
    "last_ticks",
    "ts_exch_ns",
    "flags",
    "code",  # the venue's own reason
)
AUDIT: Final = int64_record(
    "seq",  # of the last event before the check
    "now_ns",
    "instrument",
    "rule",  # DenyCode of the rule; of MIN_ORDER_NOTIONAL observed is the minimum and limit the order's notional
    "observed",
    "limit",
    "headroom",
)
RESYNC: Final = int64_record("at_ns", "instrument")
COMMAND: Final = int64_record(
    "kind",
    "order_row",
    "order_id",
    "instrument",
    "side",
    "order_type",
    "tif",
    "price_ticks",
    "qty_lots",
    "seq",
)

EVENT: Final = np.dtype(
    [
        ("seq", "<i8"),
        ("cause_seq", "<i8"),
        ("now_ns", "<i8"),
        ("ts_exch_ns", "<i8"),
        ("order_id", "<i8"),
        ("parent_order_id", "<i8"),
        ("ref", "<i8"),
        ("price_ticks", "<i8"),
        ("qty_lots", "<i8"),
        ("leaves_lots", "<i8"),
        ("a", "<i8"),
        ("b", "<i8"),
        ("c", "<i8"),
        ("kind", "<u1"),
        ("status_from", "<u1"),
        ("status_to", "<u1"),
        ("pending_from", "<u1"),
        ("pending_to", "<u1"),
        ("side", "<i1"),
        ("order_type", "<u1"),
        ("tif", "<u1"),
        ("instrument", "<u2"),
        ("account", "<u2"),
        ("strategy", "<u2"),
        ("slot", "<u2"),
        ("code", "<u2"),
        ("tag", "<u2"),
        ("flags", "<u4"),
    ]
)
EVENT_BYTES: Final = 128
NO_SLOT: Final = (1 << 16) - 1  # ``slot`` of events that belong to no slot
NEVER: Final = 1 << 62  # a time that does not come


@dataclass(frozen=True)
class EventRule:
    """What one kind of event means. Fields not named in ``fields`` are 0 (``slot``: NO_SLOT) in every such record.

    Attributes
    ----------
    text : what happened, for people and for the JSON Schema
    fields : field -> meaning, unit included; ``seq, cause_seq, now_ns, kind`` belong to every kind
    codes : enum of ``code``; None if the kind has no code
    positive : fields that must be > 0
    """

    text: str
    fields: Mapping[str, str]
    codes: type[IntEnum] | None = None
    positive: tuple[str, ...] = ()
    reserved: bool = False


_WHO: Final = {"instrument": "index", "account": "index", "strategy": "index"}
_SLOT: Final = _WHO | {"slot": "index within the instrument", "tag": "the strategy's reason"}
_WISH: Final = _SLOT | {
    "side": "Side",
    "order_type": "OrderType",
    "tif": "TimeInForce",
    "price_ticks": "wanted price [ticks]; 0 for market orders and cancels",
    "qty_lots": "wanted quantity [lots]; 0 for cancels",
    "flags": "EventFlag",
}
_ORDER: Final = _SLOT | {
    "order_id": "order id",
    "parent_order_id": "id of the order it replaces, else 0",
    "side": "Side",
    "order_type": "OrderType",
    "tif": "TimeInForce",
    "price_ticks": "limit price [ticks]",
    "qty_lots": "order quantity [lots]",
    "leaves_lots": "open quantity after the event [lots]",
    "status_from": "OrderStatus before",
    "status_to": "OrderStatus after",
    "pending_from": "Pending bits before",
    "pending_to": "Pending bits after",
    "ts_exch_ns": "venue's time of the event [ns], 0 unknown",
    "flags": "EventFlag",
}
EVENT_RULES: Final[Mapping[EventKind, EventRule]] = {
    EventKind.OPENING: EventRule(
        "state at the start, or carried over",
        _WHO
        | {
            "qty_lots": "net position [lots]",
            "a": "cash [ticklots]",
            "b": "cash [money]",
            "c": "fees so far [money]",
        },
    ),
    EventKind.INTENT: EventRule(
        "the strategy asked", _WISH | {"a": "IntentKind", "ref": "id of the slot's order, 0 none"}
    ),
    EventKind.DENIED: EventRule(
        "we said no: the first check that failed, with its numbers",
        _WISH
        | {
            "a": "observed value [unit of the limit]",
            "b": "limit",
            "c": "headroom; with COALESCED the number of identical denials not written",
            "code": "DenyCode",
        },
        DenyCode,
        ("code",),
    ),
    EventKind.QUEUED: EventRule(
        "the intent waits in its slot",
        _WISH | {"a": "wake time [ns], 0 if it waits for a report", "code": "HoldCode"},
        HoldCode,
        ("code",),
    ),
    EventKind.DEQUEUED: EventRule(
        "the intent left its slot without being sent",
        _WISH | {"code": "HoldCode", "ref": "id of the order concerned, 0 none"},
        HoldCode,
        ("code",),
    ),
    EventKind.SENT: EventRule(
        "a command to the venue: what it carries is what was checked",
        _ORDER | {"a": "CommandKind"},
        None,
        ("order_id", "a", "qty_lots"),
    ),
    EventKind.STATUS: EventRule(
        "a report changed an order's status or requests",
        _ORDER | {"a": "ReportKind", "code": "the venue's own reason"},
        None,
        ("order_id",),
    ),
    EventKind.FILL: EventRule(
        "our order traded (LastQty, LastPx)",
        _ORDER
        | {
            "price_ticks": "LastPx [ticks]",
            "qty_lots": "LastQty [lots]",
            "a": "fee [money]",
            "b": "CumQty [lots]",
            "c": "net position after the fill [lots]",
        },
        None,
        ("order_id", "price_ticks", "qty_lots"),
    ),
    EventKind.REPLACED: EventRule(
        "the pair of a replace is complete: the new order works, the old is gone",
        _ORDER,
        None,
        ("order_id", "parent_order_id"),
    ),
    EventKind.VENUE_REJECT: EventRule(
        "the venue refused a request",
        _ORDER | {"a": "ReportKind", "code": "the venue's own reason"},
        None,
        ("order_id",),
    ),
    EventKind.POSITION: EventRule(
        "position after a block with fills",
        _WHO
        | {
            "qty_lots": "net position [lots]",
            "a": "cash [ticklots]",
            "b": "cash [money]",
            "c": "fees so far [money]",
        },
    ),
    EventKind.PNL: EventRule(
        "equity at the sampling interval, and at the end",
        _WHO
        | {
            "a": "equity, fees included [money]",
            "b": "mark [halfticks]",
            "c": "drawdown now [money]",
            "qty_lots": "net position [lots]",
        },
    ),
    EventKind.HALT: EventRule(
        "trading stopped for an instrument",
        _WHO | {"a": "observed [money]", "b": "limit [money]", "code": "HaltCode"},
        HaltCode,
        ("code",),
    ),
    EventKind.TIMER: EventRule("the strategy's timer went off", {"a": "set time [ns]", "strategy": "index"}),
    EventKind.TOUCH: EventRule(
        "best bid and ask changed",
        _WHO
        | {
            "price_ticks": "bid [ticks]",
            "qty_lots": "bid quantity [lots]",
            "a": "ask [ticks]",
            "b": "ask quantity [lots]",
            "ts_exch_ns": "venue's time [ns]",
        },
    ),
    EventKind.ANOMALY: EventRule(
        "a report that the order tables call impossible",
        _ORDER | {"a": "ReportKind", "code": "AnomalyCode"},
        AnomalyCode,
        ("code",),
    ),
    EventKind.CONNECTION: EventRule(
        "the market data stream was interrupted",
        _WHO | {"a": "time of the resync in the data [ns]", "code": "ConnectionCode"},
        ConnectionCode,
        ("code", "a"),
    ),
    EventKind.QUERY: EventRule(
        "no report within ack_timeout_ns: the venue is asked",
        _ORDER | {"a": "sent at [ns]"},
        None,
        ("order_id",),
    ),
} | {
    kind: EventRule("reserved: no part writes it yet", {}, reserved=True)
    for kind in (
        EventKind.BALANCE,
        EventKind.FUNDING,
        EventKind.ORDER_SNAPSHOT,
        EventKind.BAR,
        EventKind.TRIGGERED,
    )
}
COMMON_FIELDS: Final = frozenset({"seq", "cause_seq", "now_ns", "kind"})
FIELD_ENUMS: Final[Mapping[str, type[IntEnum] | type[IntFlag]]] = {
    "kind": EventKind,
    "status_from": OrderStatus,
    "status_to": OrderStatus,
    "pending_from": Pending,
    "pending_to": Pending,
    "side": Side,
    "order_type": OrderType,
    "tif": TimeInForce,
    "flags": EventFlag,
}
