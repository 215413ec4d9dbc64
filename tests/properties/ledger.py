"""The twin's money: every sum is made anew from the fills and marks so far, in exact fractions."""

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Final, NamedTuple

from .script import Contract, Limits

NANO: Final = 10**9
PICO: Final = 10**12
BUCKETS: Final = 64  # the rolling window is the current bucket of time and the 63 before it


class Fill(NamedTuple):
    side: int
    lots: int
    ticks: int
    fee_money: int


@dataclass
class Ledger:
    """Position and equity of one instrument. ``money``: 1e-9 quote (linear) or 1e-12 base (inverse)."""

    contract: Contract
    fills: list[Fill] = field(default_factory=list)

    def book(self, side: int, lots: int, ticks: int, maker: bool) -> int:
        """Book a fill and return its fee [money]."""
        rate = Fraction(self.contract.maker_rate if maker else self.contract.taker_rate)
        fee_money = round(self.value_money(lots, Fraction(ticks)) * rate)  # round() goes half to even
        self.fills.append(Fill(side, lots, ticks, fee_money))
        return fee_money

    def value_money(self, lots: int, ticks: Fraction) -> int:
        """Return what lots are worth at a price: exact for linear contracts, rounded once for inverse ones."""
        if self.contract.inverse:
            return round(lots * self.contract.lot_value / ticks * PICO)
        value = self.contract.lot_value * NANO * lots * ticks
        assert value.denominator == 1
        return int(value)

    @property
    def net_lots(self) -> int:
        return sum(fill.side * fill.lots for fill in self.fills)

    @property
    def cash_ticklots(self) -> int:
        return 0 if self.contract.inverse else -sum(fill.side * fill.lots * fill.ticks for fill in self.fills)

    @property
    def cash_money(self) -> int:
        """Base currency got for contracts bought, less what was given for those sold."""
        if not self.contract.inverse:
            return 0
        return sum(fill.side * self.value_money(fill.lots, Fraction(fill.ticks)) for fill in self.fills)

    @property
    def fee_money(self) -> int:
        return sum(fill.fee_money for fill in self.fills)

    def equity_money(self, mark_halfticks: int) -> int:
        """Return profit and loss so far, fees included."""
        worth = self.value_money(self.net_lots, Fraction(mark_halfticks, 2)) if self.net_lots else 0
        if self.contract.inverse:
            return self.cash_money - worth - self.fee_money
        paid = sum(fill.side * self.value_money(fill.lots, Fraction(fill.ticks)) for fill in self.fills)
        return worth - paid - self.fee_money


@dataclass
class Losses:
    """The equity of one instrument over time, and how far it fell."""

    limits: Limits
    path: list[tuple[int, int]] = field(default_factory=list)  # (time [ns], equity [money]) of every mark

    def mark(self, now_ns: int, equity_money: int) -> None:
        self.path.append((now_ns, equity_money))

    @property
    def equity_money(self) -> int:
        return self.path[-1][1] if self.path else 0

    @property
    def drawdown_money(self) -> int:
        """From the highest equity so far; a session starts with 0."""
        return max([0, *(equity for _, equity in self.path)]) - self.equity_money

    @property
    def rolling_loss_money(self) -> int:
        """From the highest equity within the window, what it was when the window begins included."""
        if not self.limits.rolling_bucket_ns or not self.path:
            return 0
        begins_ns = (
            self.path[-1][0] // self.limits.rolling_bucket_ns - (BUCKETS - 1)
        ) * self.limits.rolling_bucket_ns
        before = [equity for when_ns, equity in self.path if when_ns < begins_ns]
        within = [equity for when_ns, equity in self.path if when_ns >= begins_ns]
        return max(before[-1:] + within) - self.equity_money

    @property
    def drawdown_breaks(self) -> bool:
        return self.drawdown_money > self.limits.drawdown_money_max

    @property
    def rolling_breaks(self) -> bool:
        return (
            bool(self.limits.rolling_bucket_ns)
            and self.rolling_loss_money > self.limits.rolling_loss_money_max
        )
