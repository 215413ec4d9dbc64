"""Every code that is written to disk or compared in a kernel. Append, never renumber: the numbers are on disk."""

from enum import IntEnum, IntFlag


class Side(IntEnum):
    """Side of an order or fill. The sign is the direction of the position it makes."""

    NONE = 0
    BUY = 1
    SELL = -1


class OrderType(IntEnum):
    """What the strategy asks for; a MARKET order is sent as an IOC limit at the collar (see core/normalize.py)."""

    LIMIT = 0
    MARKET = 1


class TimeInForce(IntEnum):
    """How long an order stands. POST_ONLY (FIX ExecInst 6) never takes liquidity: it expires if it would."""

    GTC = 0
    POST_ONLY = 1
    FOK = 2
    IOC = 3


class OrderStatus(IntEnum):
    """What the venue says about an order (FIX OrdStatus). The last four are terminal."""

    PENDING_NEW = 0
    WORKING = 1
    PARTIALLY_FILLED = 2
    FILLED = 3
    CANCELED = 4
    EXPIRED = 5
    REJECTED = 6


class OrderEvent(IntEnum):
    """What a report does to the status of an order."""

    ACK = 0
    PARTIAL_FILL = 1
    FILL = 2
    CANCEL = 3
    EXPIRE = 4
    REJECT = 5


class Pending(IntFlag):
    """Requests in flight for one order: what we asked and wait for. Never folded into the status."""

    NONE = 0
    NEW = 1
    REPLACE = 2
    CANCEL = 4
    UNKNOWN = 8  # no report within ack_timeout_ns: a QUERY is on its way


class ReportKind(IntEnum):
    """Order reports a venue adapter delivers. FILL comes first of one order's reports: fills before statuses."""

    FILL = 0
    ACK = 1
    REPLACED = 2  # native replace accepted
    CANCELED = 3
    EXPIRED = 4
    REJECTED = 5
    CANCEL_REJECTED = 6
    REPLACE_REJECTED = 7


class IntentKind(IntEnum):
    """What a strategy can ask for one slot. QUOTE states the whole wish; the core works out the rest."""

    NONE = 0
    QUOTE = 1
    NEW = 2
    REPLACE = 3
    CANCEL = 4


class Held(IntEnum):
    """What one slot of the outbox holds after the merge: at most one thing (see core/merge.py)."""

    NOTHING = 0
    NEW = 1
    REPLACE = 2
    CANCEL = 3
    REPLACE_OR_NEW = 4  # a replace that absorbed a new: becomes the new if nothing is live
    CANCEL_THEN_NEW = 5  # a cancel and a new of one batch: a replace, or the new if nothing is live
    KEEP = 6  # a quote that is already satisfied: clears the slot, sends nothing
    CANCEL_ABSORBED = (
        7  # a cancel that removed a new which was never sent: nothing more to cancel is no error
    )


class CommandKind(IntEnum):
    """Approved wishes, for the venue adapter."""

    NEW = 1
    CANCEL = 2
    QUERY = 3


class ReplacePolicy(IntEnum):
    """How a venue replaces an order."""

    AFTER_ACK = 0  # cancel; the new is re-checked and sent when the cancel is acknowledged
    AT_ONCE = 1  # cancel and new together: both can fill


class PostOnlyMode(IntEnum):
    """What happens to a post-only order that would cross the book when it is sent."""

    DENY = 0
    DROP = 1


class DenyCode(IntEnum):
    """Why an intent was denied, in the order of the checks: the first that fails is told."""

    NONE = 0
    END_OF_DATA = 1
    NOT_FOUND = 2
    DUPLICATE = 3
    HALTED = 4
    TRADING_DISABLED = 5
    BAD_TYPE = 6
    BAD_QTY = 7
    BAD_PRICE = 8
    NO_BOOK = 9
    POST_ONLY_WOULD_CROSS = 10
    SELF_CROSS = 11
    TAKER_SWEEP = 12
    MIN_ORDER_NOTIONAL = 13
    SINGLE_ORDER_NOTIONAL = 14
    POSITION = 15
    GROSS_NOTIONAL = 16
    QUOTE_GROSS_NOTIONAL = 17
    QUOTE_NET_NOTIONAL = 18
    ACTIVE_QUOTES = 19
    ORDER_TABLE_FULL = 20


class HoldCode(IntEnum):
    """Why an intent waits in its slot (QUEUED), or how it left (DEQUEUED)."""

    NONE = 0
    RATE_LIMIT = 1
    IN_FLIGHT = 2
    SENT = 3
    SUPERSEDED = 4
    DENIED = 5
    CLEARED_BY_HALT = 6
    FILL_WON = 7  # the order to be replaced was filled first
    NO_CHANGE = 8
    VENUE_REFUSED = 9  # the cancel half of a replace was refused
    DROPPED = 10  # post-only would cross, and the config says drop


class HaltCode(IntEnum):
    """Why trading stopped. Latched: nothing but a new run clears it."""

    NONE = 0
    DRAWDOWN = 1
    ROLLING_LOSS = 2
    ANOMALY = 3
    REQUESTED = 4


class AnomalyCode(IntEnum):
    """What must never happen, and did."""

    NONE = 0
    IMPOSSIBLE_STATUS = 1
    IMPOSSIBLE_PENDING = 2
    UNKNOWN_ORDER = 3
    OVERFILL = 4


class ConnectionCode(IntEnum):
    """What happened to the market data stream."""

    NONE = 0
    RESYNC = 1  # the book was cleared and loaded anew: own orders did not notice, the market may have


class EventKind(IntEnum):
    """Kinds of records in the event log."""

    OPENING = 1
    INTENT = 2
    DENIED = 3
    QUEUED = 4
    DEQUEUED = 5
    SENT = 6
    STATUS = 7
    FILL = 8
    REPLACED = 9
    VENUE_REJECT = 10
    POSITION = 11
    PNL = 12
    HALT = 13
    TIMER = 14
    TOUCH = 15
    ANOMALY = 16
    BALANCE = 17  # reserved, like the others marked so: written by later parts, numbers fixed now
    FUNDING = 18  # reserved
    CONNECTION = 19
    ORDER_SNAPSHOT = 20  # reserved
    BAR = 21  # reserved
    TRIGGERED = 22  # reserved
    QUERY = 23


class EventFlag(IntFlag):
    """Bits of the ``flags`` field of an event."""

    NONE = 0
    MAKER = 1
    ESTIMATED = 2  # the price of this fill was estimated (taker sweep under partial fills)
    REDUCING = 4
    LATE = 8  # a fill after a terminal status
    COALESCED = 16  # stands for ``c`` identical records that were not written
    QUOTED = 32  # came from quote(), not from an explicit intent


class Wake(IntFlag):
    """When a strategy is called. Decided in compiled code."""

    NONE = 0
    FEED = 1  # every feed event
    TOUCH = 2  # best bid or ask changed, price or quantity
    TRADES = 4  # the market traded
    ORDERS = 8  # one of our orders changed
    TIMER = 16  # the timer the strategy set
    INTERVAL = 32  # every interval_ns
    START = 64  # the first block with a book; always given
    PRICE = 128  # best bid or ask price changed: a fraction of the wakeups of TOUCH
    BAR = 256  # a bar that the strategy declares (``bars``) closed


class Stop(IntEnum):
    """Why a loop returned to Python."""

    RUNNING = 0
    WAKE = 1
    FLUSH = 2  # the journal is nearly full
    END_OF_DATA = 3
    MAX_WAKEUPS = 4
    ENGINE_ERROR = 5  # see session.stop_detail: the engine's return code
    LIVELOCK = 6
    INTENTS_FULL = 7
    BOOK_OUT_OF_RANGE = 8
    BAD_FILL_PRICE = 9
    COMMAND_REFUSED = 10
    STRATEGY_ERROR = 11  # a compiled strategy returned a non-zero code
    BAD_INTENT = 12  # an intent named a slot or a kind that does not exist
    TRADES_FULL = 13  # a block brought more trades than are copied, and bars need each of them
    BAD_TRADE = 14  # a trade of no price or quantity, or too large for the sums of a bar


class BarKind(IntEnum):
    """What makes a bar complete: see core/bars/build.py."""

    TIME = 1
    TICK = 2
    VOLUME = 3
    NOTIONAL = 4  # "dollar bars"
    RANGE = 5
    RENKO = 6
    TICK_IMBALANCE = 7  # the adaptive kinds: imbalance before run, in the order trades, volume, notional
    VOLUME_IMBALANCE = 8
    NOTIONAL_IMBALANCE = 9
    TICK_RUN = 10
    VOLUME_RUN = 11
    NOTIONAL_RUN = 12
    CUSTOM = 13


class BarClose(IntEnum):
    """Why a bar closed."""

    NONE = 0
    SIZE = 1  # it reached its size, or its time was up
    EXPECTATION = 2  # imbalance or run reached what was expected
    CAP = 3  # it got its most trades
    WARMUP = 4  # one of the first bars: there is no expectation yet
    RULE = 5  # the custom rule said so
    BOUND = 6  # its sums came near the bounds of int64
