"""Pre-trade limits, throttles and loss limits of one instrument: human units in, integer records out."""

from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Final, Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from ..model.enums import PostOnlyMode
from ..model.instrument import Instrument
from ..model.records import LIMITS, LOSS_BUCKETS, NEVER, ORDER_LOTS_MAX, THROTTLE
from ..model.units import seconds_to_ns, steps_ceil, steps_exact
from .fields import (
    NS_PER_S,
    RATE_STEP,
    Collar,
    Currency,
    NotNegative,
    OrderRate,
    Positive,
    Problem,
    Section,
    WindowSeconds,
    any_of,
    grid_problems,
    raise_problems,
    show,
)

UNLIMITED: Final = (
    NEVER  # a limit that is not set: larger than anything int64 arithmetic of the core can reach
)
THROTTLE_SPAN_NS_MAX: Final = 1 << 60  # (burst - 1) * interval: added to UTC nanoseconds it stays below NEVER


def _currency_problems(given: str | None, allowed: tuple[str, ...]) -> Iterator[Problem]:
    if given is not None and given not in allowed:
        yield Problem("currency", f"must be {' or '.join(allowed)} (the instrument's), was {given}")


def _limit_problems(value: Decimal | None, unit: Fraction, key: str, currency: str) -> Iterator[Problem]:
    """Yield the problem of a limit that is 0 units when rounded down, or not below the sentinel."""
    if value is None:
        return
    units = Fraction(value) / unit
    if units < 1:
        yield Problem(
            key, f"must be >= {show(_decimal(unit))} {currency} (the smallest unit), was {show(value)}"
        )
    if units >= UNLIMITED:
        highest = _decimal(Fraction(int(unit * UNLIMITED)))
        yield Problem(
            key, f"must be < {show(highest)} {currency} (int64), was {show(value)}: leave it out for no limit"
        )


def _decimal(value: Fraction) -> Decimal:
    return Decimal(value.numerator) / Decimal(value.denominator)


class PositionLimits(Section):
    """Worst-case position: what is held plus everything that can still trade."""

    currency: Currency | None = Field(
        default=None,
        description="if given: base currency (linear); quote currency or contracts (inverse)",
        examples=["BTC", "contracts"],
    )
    max_position: Positive = Field(
        description="on |position + open orders| [quantity, as lot_size], a multiple of lot_size",
        examples=[1],
    )

    def problems(self, instrument: Instrument) -> Iterator[Problem]:
        """Yield what does not fit the instrument."""
        allowed = (
            (instrument.quote_currency, "contracts") if instrument.inverse else (instrument.base_currency,)
        )
        yield from _currency_problems(self.currency, allowed)
        yield from grid_problems(
            instrument.qty_to_lots, self.max_position, "max_position", ORDER_LOTS_MAX, "lots"
        )


class NotionalLimits(Section):
    """Limits on value at the order's price and at the mark, in quote currency."""

    currency: Currency | None = Field(
        default=None, description="if given: the instrument's quote currency", examples=["USDT"]
    )
    max_gross_notional: Positive | None = Field(
        default=None, description="on |position| plus all open orders [quote currency]", examples=[200000]
    )
    max_single_order_notional: Positive | None = Field(
        default=None, description="on one order [quote currency]", examples=[10000]
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        raise_problems(any_of(self, ("max_gross_notional", "max_single_order_notional")))
        return self

    def problems(self, instrument: Instrument) -> Iterator[Problem]:
        """Yield what does not fit the instrument."""
        quote = instrument.quote_currency
        yield from _currency_problems(self.currency, (quote,))
        for key in ("max_gross_notional", "max_single_order_notional"):
            yield from _limit_problems(getattr(self, key), instrument.notional_unit, key, quote)


class QuoteLimits(Section):
    """Limits on what is open, without the position, in quote currency."""

    currency: Currency | None = Field(
        default=None, description="if given: the instrument's quote currency", examples=["USDT"]
    )
    max_gross_quote_notional: Positive | None = Field(
        default=None, description="on open bids plus open asks [quote currency]", examples=[20000]
    )
    max_net_quote_notional: Positive | None = Field(
        default=None, description="on |open bids - open asks| [quote currency]", examples=[10000]
    )
    max_active_quotes: int | None = Field(
        default=None, ge=1, le=10**9, description="on the number of open orders", examples=[20]
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        raise_problems(
            any_of(self, ("max_gross_quote_notional", "max_net_quote_notional", "max_active_quotes"))
        )
        return self

    def problems(self, instrument: Instrument) -> Iterator[Problem]:
        """Yield what does not fit the instrument."""
        quote = instrument.quote_currency
        yield from _currency_problems(self.currency, (quote,))
        for key in ("max_gross_quote_notional", "max_net_quote_notional"):
            yield from _limit_problems(getattr(self, key), instrument.notional_unit, key, quote)


class OrderRateLimits(Section):
    """Token buckets. An order without a token waits, it is not denied."""

    max_orders_per_second: OrderRate | None = Field(
        default=None, description="new orders and replaces [1/s], 1e-6 to 1e9; below 1 works", examples=[20]
    )
    max_cancels_per_second: OrderRate | None = Field(
        default=None, description="cancels [1/s], 1e-6 to 1e9; below 1 works", examples=[20]
    )
    burst_orders: int | None = Field(
        default=None,
        ge=1,
        le=10**6,
        description="orders at once; the rate rounded down, at least 1, if left out",
        examples=[20],
    )
    burst_cancels: int | None = Field(
        default=None,
        ge=1,
        le=10**6,
        description="cancels at once; the rate rounded down, at least 1, if left out",
        examples=[20],
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        problems = any_of(self, ("max_orders_per_second", "max_cancels_per_second"))
        for what in ("orders", "cancels"):
            rate, burst = getattr(self, f"max_{what}_per_second"), getattr(self, f"burst_{what}")
            if burst is not None and rate is None:
                problems.append(
                    Problem(f"burst_{what}", f"must be left out without max_{what}_per_second, was {burst}")
                )
            elif burst is not None and (burst - 1) * _interval_ns(rate) >= THROTTLE_SPAN_NS_MAX:
                highest = THROTTLE_SPAN_NS_MAX // _interval_ns(rate)
                problems.append(Problem(f"burst_{what}", f"must be <= {highest} at this rate, was {burst}"))
        raise_problems(problems)
        return self

    def to_records(self) -> npt.NDArray[np.void]:
        """Return THROTTLE records, shape (2,): orders, cancels. Interval 0: unlimited."""
        records = np.zeros(2, THROTTLE)
        rates = (self.max_orders_per_second, self.max_cancels_per_second)
        bursts = (self.burst_orders, self.burst_cancels)
        for record, rate, burst in zip(records, rates, bursts, strict=True):
            if rate is None:
                continue
            interval_ns = _interval_ns(rate)
            record["interval_ns"] = interval_ns
            record["tolerance_ns"] = ((max(1, int(rate)) if burst is None else burst) - 1) * interval_ns
        return records


def _interval_ns(rate: Decimal) -> int:
    """Return the time one token takes [ns], rounded up: the rate is never exceeded."""
    return steps_ceil(Decimal(NS_PER_S), Fraction(rate))


class MaxLoss(Section):
    """Losses that stop trading for good, fees included, in settlement currency. Positive numbers."""

    currency: Currency | None = Field(
        default=None,
        description="if given: quote currency (linear) or base currency (inverse)",
        examples=["USDT"],
    )
    max_drawdown: Positive | None = Field(
        default=None,
        description="halt when equity falls this far below its peak [settlement currency]",
        examples=[2000],
    )
    rolling_loss: Positive | None = Field(
        default=None,
        description="halt when equity falls this far within the window [settlement currency]",
        examples=[200],
    )
    rolling_loss_window_seconds: WindowSeconds | None = Field(
        default=None,
        description="length of the window [s], at most 366 days; required with rolling_loss",
        examples=[60],
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        problems = any_of(self, ("max_drawdown", "rolling_loss"))
        if self.rolling_loss is not None and self.rolling_loss_window_seconds is None:
            problems.append(Problem("rolling_loss_window_seconds", "is required for rolling_loss"))
        if self.rolling_loss is None and self.rolling_loss_window_seconds is not None:
            problems.append(Problem("rolling_loss", "is required for rolling_loss_window_seconds"))
        raise_problems(problems)
        return self

    def problems(self, instrument: Instrument) -> Iterator[Problem]:
        """Yield what does not fit the instrument."""
        currency = instrument.settlement_currency
        yield from _currency_problems(self.currency, (currency,))
        for key in ("max_drawdown", "rolling_loss"):
            yield from _limit_problems(getattr(self, key), instrument.money_unit, key, currency)

    @property
    def rolling_bucket_ns(self) -> int:
        """Length of one bucket of the window [ns], rounded up; 0 without a rolling rule.

        The current bucket has only begun: the others alone must span the window, so it is never too short.
        """
        if self.rolling_loss_window_seconds is None:
            return 0
        window_ns = seconds_to_ns(self.rolling_loss_window_seconds, "rolling_loss_window_seconds")
        return -(-window_ns // (LOSS_BUCKETS - 1))


class VenuePolicy(Section):
    """What the venue would refuse, caught before it is sent."""

    min_order_notional: NotNegative = Field(
        default=Decimal(0), description="smallest order [quote currency]; 0 none", examples=[5]
    )
    post_only_mode: Literal["deny", "drop"] = Field(
        default="deny",
        description="a post-only order that would cross: deny it, or drop it silently (counted)",
    )
    market_collar: Collar = Field(
        default=Decimal("0.01"),
        description="market orders are limits this fraction beyond the opposite touch, at least one tick; 0 to 0.5",
        examples=[0.01],
    )

    def problems(self, instrument: Instrument) -> Iterator[Problem]:
        """Yield what does not fit the instrument."""
        if self.min_order_notional:
            yield from _limit_problems(
                self.min_order_notional,
                instrument.notional_unit,
                "min_order_notional",
                instrument.quote_currency,
            )


# what a section that is left out stands for; unvalidated, because a written one must set at least one limit
NO_NOTIONAL_LIMITS: Final = NotionalLimits.model_construct()
NO_QUOTE_LIMITS: Final = QuoteLimits.model_construct()
NO_MAX_LOSS: Final = MaxLoss.model_construct()


class RiskConfig(Section):
    """All limits of one instrument. A section left out never binds; the position limit is required."""

    scope: str = Field(
        default="run",
        min_length=1,
        max_length=64,
        description="label of this set of limits in the run record",
        examples=["btc-desk"],
    )
    trading_enabled: bool = Field(default=True, description="false denies every new order")
    position_limits: PositionLimits = Field(description="worst-case position")
    notional_limits: NotionalLimits | None = Field(
        default=None, description="gross and single-order notional"
    )
    quote_limits: QuoteLimits | None = Field(default=None, description="gross, net and number of open orders")
    order_rate_limits: OrderRateLimits | None = Field(
        default=None, description="throttles for orders and cancels"
    )
    max_loss: MaxLoss | None = Field(default=None, description="drawdown and rolling loss that halt trading")
    venue_policy: VenuePolicy = Field(
        default=VenuePolicy(), description="minimum notional, post-only, collar"
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        least = self.venue_policy.min_order_notional
        notionals, quotes = self.notional_limits or NO_NOTIONAL_LIMITS, self.quote_limits or NO_QUOTE_LIMITS
        problems = [
            Problem("venue_policy.min_order_notional", f"must be <= {key} ({show(most)}), was {show(least)}")
            for key, most in (
                ("notional_limits.max_single_order_notional", notionals.max_single_order_notional),
                ("notional_limits.max_gross_notional", notionals.max_gross_notional),
                ("quote_limits.max_gross_quote_notional", quotes.max_gross_quote_notional),
                ("quote_limits.max_net_quote_notional", quotes.max_net_quote_notional),
            )
            if most is not None and least > most  # no order would be large enough and small enough
        ]
        raise_problems(problems)
        return self

    def to_record(self, instrument: Instrument) -> np.void:
        """Return the LIMITS record: lots, notional and money units, never wider than asked.

        A limit that is not set is UNLIMITED (1 << 62); ``rolling_bucket_ns`` is 0 without a rolling loss.

        Raises
        ------
        ConfigError : max_position is off the lot grid
        """
        limits: npt.NDArray[np.void] = np.zeros(1, LIMITS)
        record: np.void = limits[0]
        record["trading_enabled"] = int(self.trading_enabled)
        record["position_lots_max"] = instrument.qty_to_lots(
            self.position_limits.max_position, "risk.position_limits.max_position"
        )
        record["order_lots_max"] = ORDER_LOTS_MAX
        record["post_only_mode"] = PostOnlyMode[self.venue_policy.post_only_mode.upper()]
        record["market_collar_e9"] = steps_exact(self.venue_policy.market_collar, RATE_STEP, "market_collar")
        self._notionals_to(record, instrument)
        self._losses_to(record, instrument)
        return record

    def _notionals_to(self, record: np.void, instrument: Instrument) -> None:
        notionals = self.notional_limits or NO_NOTIONAL_LIMITS
        quotes = self.quote_limits or NO_QUOTE_LIMITS
        for name, value in (
            ("gross_notional_max", notionals.max_gross_notional),
            ("order_notional_max", notionals.max_single_order_notional),
            ("quote_gross_notional_max", quotes.max_gross_quote_notional),
            ("quote_net_notional_max", quotes.max_net_quote_notional),
        ):
            record[name] = UNLIMITED if value is None else instrument.notional_floor(value)
        active = quotes.max_active_quotes
        record["active_quotes_max"] = UNLIMITED if active is None else active
        record["order_notional_min"] = instrument.notional_ceil(self.venue_policy.min_order_notional)

    def _losses_to(self, record: np.void, instrument: Instrument) -> None:
        losses = self.max_loss or NO_MAX_LOSS
        for name, value in (
            ("drawdown_money_max", losses.max_drawdown),
            ("rolling_loss_money_max", losses.rolling_loss),
        ):
            record[name] = UNLIMITED if value is None else instrument.money_floor(value)
        record["rolling_bucket_ns"] = losses.rolling_bucket_ns

    def throttle_records(self) -> npt.NDArray[np.void]:
        """Return THROTTLE records, shape (2,): orders, cancels; interval 0 is unlimited."""
        if self.order_rate_limits is None:
            return np.zeros(2, THROTTLE)
        return self.order_rate_limits.to_records()
