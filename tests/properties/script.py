"""What happens to a session, as plain data: the twin and the core both play it, block by block.

The ``repr`` of a script is the code that builds it, so a failure is kept by pasting it into past_failures.py.
"""

from dataclasses import MISSING, Field, dataclass, fields
from enum import Enum
from fractions import Fraction
from functools import cached_property
from typing import Any, Final, NamedTuple

from trading_platform.model.enums import (
    IntentKind,
    OrderType,
    PostOnlyMode,
    ReplacePolicy,
    ReportKind,
    TimeInForce,
)

BUY: Final = 1
SELL: Final = -1
SECOND_NS: Final = 10**9
UNLIMITED: Final = 1 << 62


class Slot(NamedTuple):
    """What a strategy addresses; ``place`` is its number in the event log."""

    instrument: int
    side: int
    level: int

    @property
    def place(self) -> int:
        return 2 * self.level + (self.side == SELL)


class Told:
    """Shows itself as the code that makes it: the fields that differ from their defaults."""

    def __repr__(self) -> str:
        told: list[str] = []
        for item in fields(self):  # type: ignore[arg-type]
            value = getattr(self, item.name)
            if value != _default(item):
                told.append(f"{item.name}={_code(value)}")
        return f"{type(self).__name__}({', '.join(told)})"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """Let hypothesis print it like that, too."""
        printer.text(repr(self))


def _default(item: "Field[Any]") -> object:
    return item.default if item.default is not MISSING else MISSING


def _code(value: object) -> str:
    if isinstance(value, Enum):
        return f"{type(value).__name__}.{value.name}"
    if isinstance(value, tuple) and not hasattr(value, "_fields"):
        inside = ", ".join(_code(item) for item in value)
        return f"({inside},)" if len(value) == 1 else f"({inside})"
    return repr(value)


@dataclass(frozen=True, repr=False)
class Contract(Told):
    """An instrument, in the decimal terms of a contract specification."""

    tick_size: str = "1"
    lot_size: str = "1"
    contract_size: str = "1"
    inverse: bool = False
    maker_rate: str = "0"
    taker_rate: str = "0"

    @cached_property
    def lot_value(self) -> Fraction:
        """Value of one lot at a price of one tick: in quote currency (linear), in base currency (inverse)."""
        size = Fraction(self.lot_size) * Fraction(self.contract_size)
        return size / Fraction(self.tick_size) if self.inverse else size * Fraction(self.tick_size)


PLAIN: Final = Contract()
WITH_FEES: Final = Contract(lot_size="0.5", maker_rate="-0.000050001", taker_rate="0.000700001")
COIN_MARGINED: Final = Contract(
    "0.1", "1", "100", inverse=True, maker_rate="0.0001", taker_rate="0.000500003"
)


@dataclass(frozen=True, repr=False)
class Limits(Told):
    """The limits of every instrument, in the units of the core; notional and money as in model/records.py."""

    trading_enabled: bool = True
    order_lots_max: int = 10**9
    order_notional_min: int = 0
    order_notional_max: int = UNLIMITED
    position_lots_max: int = UNLIMITED
    gross_notional_max: int = UNLIMITED
    quote_gross_notional_max: int = UNLIMITED
    quote_net_notional_max: int = UNLIMITED
    active_quotes_max: int = UNLIMITED
    drawdown_money_max: int = UNLIMITED
    rolling_loss_money_max: int = UNLIMITED
    rolling_bucket_ns: int = 0
    post_only_mode: PostOnlyMode = PostOnlyMode.DENY
    market_collar_e9: int = 10**7


@dataclass(frozen=True, repr=False)
class Rate(Told):
    """A throttle: one token per interval, ``burst`` of them at most."""

    interval_ns: int
    burst: int


@dataclass(frozen=True, repr=False)
class Setup(Told):
    """What a session is configured with."""

    contract: Contract = PLAIN
    instruments: int = 1
    levels: int = 2
    policy: ReplacePolicy = ReplacePolicy.AFTER_ACK
    taker_sweeps: str = "estimate"
    limits: Limits = Limits()
    order_rate: Rate | None = None
    cancel_rate: Rate | None = None
    ack_timeout_ns: int = 0
    order_min_ticks: int = 500
    order_max_ticks: int = 2000
    audit: bool = False

    @property
    def slots(self) -> list[Slot]:
        return [
            Slot(instrument, side, level)
            for instrument in range(self.instruments)
            for level in range(self.levels)
            for side in (BUY, SELL)
        ]


@dataclass(frozen=True, repr=False)
class Touch(Told):
    """Best bid and ask of an instrument; 0 ticks is an empty side."""

    bid_ticks: int
    ask_ticks: int
    bid_lots: int = 100
    ask_lots: int = 100
    instrument: int = 0


@dataclass(frozen=True, repr=False)
class Report(Told):
    """What the venue says. ``lots`` and ``ticks`` belong to FILL and REPLACED; ``side`` tells it of unknown orders."""

    kind: ReportKind
    order_id: int
    lots: int = 0
    ticks: int = 0
    maker: bool = True
    code: int = 0
    side: int = 0
    instrument: int = 0


@dataclass(frozen=True, repr=False)
class Wish(Told):
    """What the strategy asks for one slot."""

    kind: IntentKind
    side: int
    level: int = 0
    ticks: int = 0
    lots: int = 0
    tif: int = TimeInForce.GTC
    order_type: int = OrderType.LIMIT
    tag: int = 0
    instrument: int = 0

    @property
    def slot(self) -> Slot:
        return Slot(self.instrument, self.side, self.level)


@dataclass(frozen=True, repr=False)
class Block(Told):
    """One timestamp block: time passes, the venue and the market speak, the strategy asks."""

    after_ns: int = 0
    touches: tuple[Touch, ...] = ()
    reports: tuple[Report, ...] = ()
    wishes: tuple[Wish, ...] = ()
    cancel_all: bool = False  # asked after the wishes


@dataclass(frozen=True, repr=False)
class Script(Told):
    """A whole session; what ``last`` asks is asked after the end of data.

    ``lawful``: the venue says nothing that the tables call impossible. ``drained``: it answers all before the end.
    """

    setup: Setup
    blocks: tuple[Block, ...]
    last: Block = Block()
    lawful: bool = False
    drained: bool = False
