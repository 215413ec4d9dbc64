"""What bars somebody wants, in human units; the kernels see only the record."""

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Final, Self

import numpy as np

from ...model.enums import BarKind
from ...model.errors import ConfigError
from ...model.instrument import Instrument
from ...model.units import seconds_to_ns, steps_ceil, steps_exact
from .records import BUILDER, RULE_WORDS, SUM_MAX

if TYPE_CHECKING:
    from .rule import BarRule  # compiles, which a config must not wait for

ADAPTIVE: Final = frozenset(range(BarKind.TICK_IMBALANCE, BarKind.NOTIONAL_RUN + 1))
KINDS: Final = {kind.name.lower().replace("_", "-"): kind for kind in BarKind}
TRADES_MAX: Final = 1 << 40
CAPACITY_MAX: Final = 1 << 16
WARMUP_BARS: Final = 1
SPAN_BARS: Final = 20
_NUMBER_MAX: Final = (1 << 63) - 1
_UNITS: Final = {
    BarKind.TIME: "ns",
    BarKind.VOLUME: "lots",
    BarKind.NOTIONAL: "tick-lots",
    BarKind.RANGE: "ticks",
    BarKind.RENKO: "ticks",
}


@dataclass(frozen=True)
class BarGrid:
    """What turns human units into integers. ``contract_size`` is the value of quantity 1, in quote if ``inverse``."""

    tick_size: Decimal
    lot_size: Decimal
    contract_size: Decimal = Decimal(1)
    inverse: bool = False

    @classmethod
    def of(cls, instrument: Instrument) -> Self:
        """Return the grid of an instrument."""
        return cls(instrument.tick_size, instrument.lot_size, instrument.contract_size, instrument.inverse)

    def check(self) -> None:
        """Raise ConfigError unless all three sizes are > 0."""
        for name in ("tick_size", "lot_size", "contract_size"):
            value = getattr(self, name)
            if not value.is_finite() or value <= 0:
                raise ConfigError(f"{name} must be > 0, was {value}")


@dataclass(frozen=True)
class BarSpec:
    """One series of bars.

    Attributes
    ----------
    kind : see core/bars/build.py; the name of the command line (``volume``, ``tick-run``) will do
    size : seconds (time), trades (tick), quantity (volume), quote currency (notional), price (range, renko); expected
        trades of the first bars (imbalance and run kinds); any whole number that a custom rule wants
    trades_min, trades_max : bounds of an imbalance or run bar; None: a quarter of the size, four times the size
    warmup_bars : so many first imbalance or run bars have ``size`` trades; None: WARMUP_BARS
    span_bars : expectations weigh the newest bar with 2 / (span_bars + 1); None: SPAN_BARS
    rule, params : of custom bars: the function, and up to 8 integers for it
    capacity : closed bars that a strategy can look back at

    Raises
    ------
    ConfigError : by `to_record`: a value out of its bounds or off the grid
    """

    kind: BarKind | str
    size: Decimal | int | str
    trades_min: int | None = None
    trades_max: int | None = None
    warmup_bars: int | None = None
    span_bars: int | None = None
    rule: "BarRule | None" = None
    params: tuple[int, ...] = ()
    capacity: int = 64

    def to_record(self, grid: BarGrid, name: str = "bars") -> np.void:
        """Return the BUILDER record in the integers of a grid; ``name`` begins the messages of errors."""
        grid.check()
        kind = self._kind(name)
        record: np.void = np.zeros(1, BUILDER)[0]
        record["kind"], record["inverse"] = kind, int(grid.inverse)
        record["size"] = self._size(kind, grid, f"{name}.size")
        record["capacity"] = _within(self.capacity, CAPACITY_MAX, f"{name}.capacity")
        self._set_adaptive(record, kind, name)
        self._set_rule(record, kind, name)
        return record

    def _kind(self, name: str) -> BarKind:
        kind = KINDS.get(self.kind) if isinstance(self.kind, str) else self.kind
        if kind is None:
            raise ConfigError(f"{name}.kind must be one of {', '.join(KINDS)}, was {self.kind!r}")
        return kind

    def _size(self, kind: BarKind, grid: BarGrid, label: str) -> int:
        try:
            size = Decimal(self.size)
        except ArithmeticError:
            raise ConfigError(f"{label} must be a decimal number, was {self.size!r}") from None
        if not size.is_finite() or size <= 0:
            raise ConfigError(f"{label} must be > 0, was {self.size}")
        if kind == BarKind.TIME:
            steps = seconds_to_ns(size, label)
        elif kind == BarKind.VOLUME:
            steps = steps_exact(size, grid.lot_size, label)
        elif kind == BarKind.NOTIONAL:
            unit = Fraction(grid.lot_size) * Fraction(grid.contract_size)
            steps = steps_ceil(size, unit if grid.inverse else unit * Fraction(grid.tick_size))
        elif kind in (BarKind.RANGE, BarKind.RENKO):
            steps = steps_exact(size, grid.tick_size, label)
        else:
            steps = steps_exact(size, Decimal(1), label)
        top = TRADES_MAX if kind in ADAPTIVE else SUM_MAX
        if steps > top:
            raise ConfigError(f"{label} must be at most {top} {_UNITS.get(kind, 'steps')}, was {self.size}")
        return steps

    def _set_adaptive(self, record: np.void, kind: BarKind, name: str) -> None:
        if kind not in ADAPTIVE:
            for label in ("trades_min", "trades_max", "warmup_bars", "span_bars"):
                value = getattr(self, label)
                if value is not None:
                    raise ConfigError(
                        f"{name}.{label} must be left out for {kind.name} bars, was {value}: only imbalance and run "
                        "bars have it"
                    )
            return
        size = int(record["size"])
        least = max(1, size // 4) if self.trades_min is None else self.trades_min
        most = 4 * size if self.trades_max is None else self.trades_max
        if not 1 <= least <= size <= most <= 4 * TRADES_MAX:
            raise ConfigError(
                f"{name} must have 1 <= trades_min <= size <= trades_max, had {least}, {size} and {most}"
            )
        record["trades_min"], record["trades_max"] = least, most
        warmup_bars = WARMUP_BARS if self.warmup_bars is None else self.warmup_bars
        span_bars = SPAN_BARS if self.span_bars is None else self.span_bars
        record["warmup_bars"] = _within(warmup_bars, TRADES_MAX, f"{name}.warmup_bars")
        record["alpha"] = 2.0 / (_within(span_bars, TRADES_MAX, f"{name}.span_bars") + 1)

    def _set_rule(self, record: np.void, kind: BarKind, name: str) -> None:
        if (self.rule is not None) != (kind == BarKind.CUSTOM):
            raise ConfigError(
                f"{name}.rule must be given for custom bars and for no others, the kind is {kind.name}: decorate the "
                "rule with bar_rule"
            )
        if self.params and kind != BarKind.CUSTOM:
            raise ConfigError(
                f"{name}.params must be left out for {kind.name} bars: they go to a custom rule"
            )
        if len(self.params) > RULE_WORDS or any(abs(value) > _NUMBER_MAX for value in self.params):
            raise ConfigError(
                f"{name}.params must be at most {RULE_WORDS} integers of 64 bits, were {self.params}"
            )
        record["params"][: len(self.params)] = self.params
        record["rule"] = 0 if self.rule is None else self.rule.entry.address


def _within(value: int, top: int, label: str) -> int:
    """Return a number of 1 to ``top``; ConfigError for any other."""
    if not 1 <= value <= top:
        raise ConfigError(f"{label} must be 1 to {top}, was {value}")
    return value
