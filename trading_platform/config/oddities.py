"""What a configuration may say, but hardly means. Each rule is one function; each finding tells its effect and cure.

Bounds: with limit P on the position and opening position Q, let H = max(P, |Q|). No order is larger than P + H (it
turns the position from one side to the other), no more than P + H is open on both sides together. While a replaced
order waits for its cancel, the order and the one that follows count both, so limits on what is open see up to twice
that.
"""

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Final, NamedTuple

from .facts import Market, StrategyFacts
from .fields import NS_PER_S, decimal_text, show
from .risk import NO_MAX_LOSS, NO_NOTIONAL_LIMITS, NO_QUOTE_LIMITS
from .run import RunConfig

LATENCY_LEAST: Final = Decimal("0.00001")  # 10 us: beside the venue's matching engine, in its building
LATENCY_MOST: Final = Decimal(1)
FEE_MOST: Final = Decimal("0.005")
FAR: Final = Decimal(
    2
)  # times the highest price of the sample: the rest of the data may go there, but not beyond
OPENING_FAR: Final = Decimal("0.1")  # of the first price
ROI_TICKS_WIDE: Final = 1 << 22  # 64 MiB of book
ROI_TIMES_WIDE: Final = 20  # times the prices of the sample
OVERLAP: Final = 2  # an order and its replacement


class Oddity(NamedTuple):
    """One finding: a stable code, the key it is about, what it does to the result, and the cure."""

    code: str
    key: str
    effect: str
    cure: str

    def __str__(self) -> str:
        return f"{self.code} {self.key}: {self.effect}; {self.cure}"


Rule = Callable[[RunConfig, StrategyFacts | None, Market | None], Iterator[Oddity]]


def find_oddities(
    config: RunConfig, strategy: StrategyFacts | None = None, market: Market | None = None
) -> tuple[Oddity, ...]:
    """Return what is legal but odd. Rules that need the strategy or the market are silent without it.

    ``find_oddities(config)`` needs nothing but the configuration: that is what a run logs.
    """
    return tuple(oddity for rule in RULES for oddity in rule(config, strategy, market))


def highest_order(config: RunConfig) -> Decimal:
    """Return the largest quantity of one order that the position limit can pass, in units of quantity."""
    return config.risk.position_limits.max_position + _most_held(config)


def notional(config: RunConfig, qty: Decimal, price: Decimal) -> Decimal:
    """Return the value of a quantity [quote currency]; of an inverse contract it is the same at every price."""
    size = config.engine.instrument.contract_size
    return qty * size if config.instrument.inverse else qty * size * price


def rounded(value: Decimal, places: int) -> str:
    """Return a number with at most so many decimal places; of any size (Decimal.quantize is not)."""
    return decimal_text(Decimal(f"{value:.{places}f}"))


def _most_held(config: RunConfig) -> Decimal:
    return max(config.risk.position_limits.max_position, abs(config.engine.opening_position))


def _quote(config: RunConfig, value: Decimal) -> str:
    return f"{rounded(value, 2)} {config.engine.instrument.quote_currency}"


def _qty_unit(config: RunConfig) -> str:
    return config.engine.instrument.qty_unit


# --- the venue ---


def _latency(config: RunConfig, _strategy: StrategyFacts | None, _market: Market | None) -> Iterator[Oddity]:
    latency = config.engine.latency
    for name in ("entry_seconds", "response_seconds"):
        seconds, key = getattr(latency, name), f"engine.latency.{name}"
        if seconds is None:
            continue  # of a file, which is checked when it is loaded
        if seconds < LATENCY_LEAST:
            yield Oddity(
                "LATENCY_NEAR_ZERO",
                key,
                f"{decimal_text(seconds * 10**6)} us is less than an order needs to leave a computer: quotes move "
                "before the market does and profits are too good",
                "use what you measured, such as 0.005",
            )
        elif seconds > LATENCY_MOST:
            yield Oddity(
                "LATENCY_LONG",
                key,
                f"every order is {decimal_text(seconds)} s late",
                "the unit is seconds: 10 ms is 0.01",
            )


def _fees(config: RunConfig, _strategy: StrategyFacts | None, _market: Market | None) -> Iterator[Oddity]:
    fees = config.engine.fees
    maker, taker = fees.maker_rate, fees.taker_rate
    if maker == taker == 0:
        yield Oddity(
            "FEES_ZERO",
            "engine.fees",
            "every fill is free: a strategy that trades much looks better than it is",
            "use your venue's rates, such as maker_rate 0.0002 and taker_rate 0.0005",
        )
    elif maker > taker:
        yield Oddity(
            "FEES_SWAPPED",
            "engine.fees.maker_rate",
            f"resting orders pay more ({show(maker)}) than orders that take ({show(taker)})",
            "check whether the two are swapped",
        )
    elif maker + taker < 0:
        yield Oddity(
            "REBATE_ABOVE_FEE",
            "engine.fees.maker_rate",
            f"the venue pays more to the maker ({show(-maker)}) than it takes from the taker ({show(taker)}): every "
            "fill earns what no venue pays",
            "check both rates",
        )
    for name, rate in (("maker_rate", maker), ("taker_rate", taker)):
        if abs(rate) >= FEE_MOST:
            yield Oddity(
                "FEE_HIGH",
                f"engine.fees.{name}",
                f"{decimal_text(rate * 100)} % of the value of every fill",
                "the unit is a fraction: 0.02 % is 0.0002",
            )


def _roi(config: RunConfig, _strategy: StrategyFacts | None, market: Market | None) -> Iterator[Oddity]:
    low, high = config.engine.depth.roi_min, config.engine.depth.roi_max
    if market is None or low is None or high is None:
        return
    seen = f"at its two ends the data trades at {show(market.low)} to {show(market.high)}"
    if market.low < low or market.high > high:
        yield Oddity(
            "ROI_MISSES_MARKET",
            "engine.depth",
            f"the range {show(low)} to {show(high)} does not cover the market ({seen}): the run will be refused",
            "widen roi_min and roi_max, or use kind auto",
        )
        return
    tick = config.engine.instrument.tick_size
    ticks, traded = (high - low) / tick, (market.high - market.low) / tick + 1
    if ticks > ROI_TICKS_WIDE and ticks > ROI_TIMES_WIDE * traded:
        yield Oddity(
            "ROI_WIDE",
            "engine.depth",
            f"the range {show(low)} to {show(high)} takes {int(ticks) * 16 >> 20} MiB and slows the book down "
            f"({seen})",
            "narrow roi_min and roi_max, or use kind auto",
        )


def _opening(config: RunConfig, _strategy: StrategyFacts | None, market: Market | None) -> Iterator[Oddity]:
    engine, most = config.engine, config.risk.position_limits.max_position
    if abs(engine.opening_position) > most:
        yield Oddity(
            "OPENING_BEYOND_LIMIT",
            "engine.opening_position",
            f"{show(engine.opening_position)} is beyond risk.position_limits.max_position ({show(most)}): until it "
            "is within, only orders that reduce it pass",
            "raise the limit, or lower the opening position",
        )
    price = engine.opening_price
    if market is not None and price is not None and abs(price - market.first) > OPENING_FAR * market.first:
        yield Oddity(
            "OPENING_PRICE_FAR",
            "engine.opening_price",
            f"{show(price)} is far from the first trade ({show(market.first)}): the difference is profit or loss "
            "from the first moment, and counts towards the drawdown",
            "use the price at the start of the data to measure the strategy alone",
        )


# --- limits that stop everything ---


def _disabled(config: RunConfig, _strategy: StrategyFacts | None, _market: Market | None) -> Iterator[Oddity]:
    if not config.risk.trading_enabled:
        yield Oddity(
            "TRADING_DISABLED",
            "risk.trading_enabled",
            "every new order is denied: the run has no fills",
            "set it to true to trade",
        )


def _order_too_large(
    config: RunConfig, strategy: StrategyFacts | None, market: Market | None
) -> Iterator[Oddity]:
    if strategy is None or strategy.order_qty is None:
        return
    qty, most, unit = (
        strategy.order_qty,
        config.risk.position_limits.max_position,
        _qty_unit(config),
    )
    if qty > highest_order(config):
        text = (
            f"an order of strategy.params.order_qty ({show(qty)} {unit}) turns any position beyond the limit: always "
            "denied"
        )
    elif qty > most:
        text = f"with no position an order of strategy.params.order_qty ({show(qty)} {unit}) is denied"
    else:
        text = ""
    if text:
        cure = f"raise it to at least {show(qty)}, or lower order_qty"
        yield Oddity("POSITION_LIMIT_BELOW_ORDER", "risk.position_limits.max_position", text, cure)
    yield from _order_value(config, qty, market)


def _order_value(config: RunConfig, qty: Decimal, market: Market | None) -> Iterator[Oddity]:
    """Yield limits in quote currency that one order of ``qty`` breaks at the first price of the data."""
    if not config.instrument.inverse and market is None:
        return
    price = market.first if market else Decimal(1)
    value = notional(config, qty, price)
    of = f"an order of strategy.params.order_qty ({show(qty)} {_qty_unit(config)}) is worth {_quote(config, value)}"
    if not config.instrument.inverse:
        of += f" at the first price of the data ({show(price)})"
    for key, most, exempt in _value_limits(config):
        if most is not None and value > most:
            yield Oddity(
                "LIMIT_BELOW_ORDER",
                f"risk.{key}",
                f"{of}: it is denied{exempt}",
                f"raise the limit above {_quote(config, value)}, or lower order_qty",
            )
    least = config.risk.venue_policy.min_order_notional
    if value < least:
        yield Oddity(
            "ORDER_BELOW_MINIMUM",
            "risk.venue_policy.min_order_notional",
            f"{of}: it is denied",
            f"raise order_qty until an order is worth {_quote(config, least)}",
        )


def _value_limits(config: RunConfig) -> tuple[tuple[str, Decimal | None, str], ...]:
    """Return key, value and exemption of the limits that a single order must pass."""
    notionals = config.risk.notional_limits or NO_NOTIONAL_LIMITS
    quotes = config.risk.quote_limits or NO_QUOTE_LIMITS
    reducing = " unless it reduces a position"
    return (
        ("notional_limits.max_single_order_notional", notionals.max_single_order_notional, reducing),
        ("notional_limits.max_gross_notional", notionals.max_gross_notional, reducing),
        ("quote_limits.max_gross_quote_notional", quotes.max_gross_quote_notional, ""),
        # the other side can outweigh it, but the first order has no other side
        ("quote_limits.max_net_quote_notional", quotes.max_net_quote_notional, " while nothing else is open"),
    )


def _grid_too_large(
    config: RunConfig, strategy: StrategyFacts | None, market: Market | None
) -> Iterator[Oddity]:
    """Yield limits that one order fits, but not all levels of a strategy that quotes both sides."""
    if strategy is None or strategy.order_qty is None or strategy.levels is None:
        return
    qty, levels = strategy.order_qty, strategy.levels
    grid = f"{levels} level{'s' if levels > 1 else ''} on each side"
    quotes = config.risk.quote_limits or NO_QUOTE_LIMITS
    if quotes.max_active_quotes is not None and quotes.max_active_quotes < 2 * levels:
        yield Oddity(
            "QUOTES_FEWER_THAN_LEVELS",
            "risk.quote_limits.max_active_quotes",
            f"{grid} are {2 * levels} orders, {quotes.max_active_quotes} may be open: the rest is denied",
            f"raise it to {2 * levels}, or lower levels",
        )
    most = config.risk.position_limits.max_position
    if qty <= most < qty * levels:
        yield Oddity(
            "POSITION_LIMIT_BELOW_LEVELS",
            "risk.position_limits.max_position",
            f"{levels} orders of {show(qty)} on one side are {show(qty * levels)} {_qty_unit(config)}: the outer "
            "levels are denied even without a position",
            f"raise it to at least {show(qty * levels)}, or lower levels or order_qty",
        )
    if not config.instrument.inverse and market is None:
        return
    one = notional(config, qty, market.first if market else Decimal(1))
    gross = quotes.max_gross_quote_notional
    if gross is not None and one <= gross < 2 * levels * one:
        yield Oddity(
            "QUOTE_LIMIT_BELOW_LEVELS",
            "risk.quote_limits.max_gross_quote_notional",
            f"{grid} are worth {_quote(config, 2 * levels * one)}: the outer levels are denied",
            "raise the limit, or lower levels or order_qty",
        )


# --- limits that never do anything ---


def _shadowed(config: RunConfig, _strategy: StrategyFacts | None, _market: Market | None) -> Iterator[Oddity]:
    """Yield limits that another limit always reaches first."""
    risk = config.risk
    notionals = risk.notional_limits or NO_NOTIONAL_LIMITS
    quotes, losses = risk.quote_limits or NO_QUOTE_LIMITS, risk.max_loss or NO_MAX_LOSS
    for key, value, name, other, why in (
        (
            "notional_limits.max_single_order_notional",
            notionals.max_single_order_notional,
            "max_gross_notional",
            notionals.max_gross_notional,
            "one order is part of the gross",
        ),
        (
            "quote_limits.max_net_quote_notional",
            quotes.max_net_quote_notional,
            "max_gross_quote_notional",
            quotes.max_gross_quote_notional,
            "net is never more than gross",
        ),
        (
            "max_loss.rolling_loss",
            losses.rolling_loss,
            "max_drawdown",
            losses.max_drawdown,
            "a loss within the window is a drawdown too",
        ),
    ):
        if value is not None and other is not None and value >= other:
            yield Oddity(
                "LIMIT_SHADOWED",
                f"risk.{key}",
                f"{show(value)} changes nothing, {name} ({show(other)}) is reached first or together: {why}",
                f"lower it below {show(other)}, or leave it out",
            )


def _never_binding(
    config: RunConfig, _strategy: StrategyFacts | None, market: Market | None
) -> Iterator[Oddity]:
    """Yield limits on value that the position limit reaches first, at any price the data may go to."""
    held, order = _most_held(config), highest_order(config)
    notionals = config.risk.notional_limits or NO_NOTIONAL_LIMITS
    quotes = config.risk.quote_limits or NO_QUOTE_LIMITS
    most = show(config.risk.position_limits.max_position)
    for key, value, qty in (
        ("notional_limits.max_single_order_notional", notionals.max_single_order_notional, order),
        ("notional_limits.max_gross_notional", notionals.max_gross_notional, held + OVERLAP * order),
        ("quote_limits.max_gross_quote_notional", quotes.max_gross_quote_notional, OVERLAP * order),
        ("quote_limits.max_net_quote_notional", quotes.max_net_quote_notional, OVERLAP * order),
    ):
        if value is None:
            continue
        text = f"risk.position_limits.max_position ({most} {_qty_unit(config)}) denies first"
        if config.instrument.inverse:
            idle = value >= notional(config, qty, Decimal(1))
        elif market is not None:
            price = value / notional(config, qty, Decimal(1))
            idle = price > FAR * market.high
            seen = f"at its two ends the data trades up to {show(market.high)}"
            text += f" below a price of {_quote(config, price)} ({seen})"
        else:
            continue
        if idle:
            cure = "lower it to the largest value you want to allow, or leave it out"
            yield Oddity("LIMIT_NEVER_BINDS", f"risk.{key}", text, cure)


def _counts(config: RunConfig, strategy: StrategyFacts | None, _market: Market | None) -> Iterator[Oddity]:
    """Yield limits on number and rate above what the strategy's slots can reach at all."""
    if strategy is None:
        return
    slots = 2 * strategy.levels_per_side
    active = (config.risk.quote_limits or NO_QUOTE_LIMITS).max_active_quotes
    if active is not None and active >= OVERLAP * slots:
        yield Oddity(
            "LIMIT_NEVER_BINDS",
            "risk.quote_limits.max_active_quotes",
            f"the strategy has {slots} slots: it never has {active} orders open",
            "lower it to the number of orders you want to allow, or leave it out",
        )
    round_trip_ns = sum(config.engine.latency.constant_ns or ())
    throttle = config.risk.throttle_records()[0]
    interval_ns = int(throttle["interval_ns"])
    fast = 0 < interval_ns * slots <= round_trip_ns
    if fast and int(throttle["tolerance_ns"]) >= (slots - 1) * interval_ns:
        rate = slots * Decimal(NS_PER_S) / round_trip_ns
        yield Oddity(
            "LIMIT_NEVER_BINDS",
            "risk.order_rate_limits.max_orders_per_second",
            f"a slot sends its next order when the report of the last is back: the strategy's {slots} slots send at "
            f"most {rounded(rate, 1)}/s",
            "lower it to your venue's limit, or leave it out",
        )


def _losses(config: RunConfig, _strategy: StrategyFacts | None, market: Market | None) -> Iterator[Oddity]:
    """Yield a limit on losses above the value of the largest position."""
    losses = config.risk.max_loss or NO_MAX_LOSS
    if market is None:
        return
    instrument, held = config.instrument, _most_held(config)
    size = config.engine.instrument.contract_size
    value = held * size / market.low if instrument.inverse else held * size * market.high
    worth = f"{rounded(value, 4)} {instrument.settlement_currency}"
    for name, limit in (("max_drawdown", losses.max_drawdown), ("rolling_loss", losses.rolling_loss)):
        if limit is not None and limit > value:
            yield Oddity(
                "LOSS_LIMIT_HIGH",
                f"risk.max_loss.{name}",
                f"{show(limit)} is more than the largest position is worth ({worth}): it halts only after a loss "
                "of that size",
                "use the loss at which you want to stop",
            )


def _cancels(config: RunConfig, _strategy: StrategyFacts | None, _market: Market | None) -> Iterator[Oddity]:
    rates = config.risk.order_rate_limits
    if rates is None or rates.max_cancels_per_second is None or rates.max_orders_per_second is None:
        return
    if rates.max_cancels_per_second < rates.max_orders_per_second:
        yield Oddity(
            "CANCELS_SLOWER_THAN_ORDERS",
            "risk.order_rate_limits.max_cancels_per_second",
            f"a replace takes one cancel and one order: at {show(rates.max_cancels_per_second)} cancels/s quotes "
            "stand at old prices while their cancel waits",
            f"raise it to {show(rates.max_orders_per_second)} if the venue allows",
        )


RULES: Final[tuple[Rule, ...]] = (
    _disabled,
    _latency,
    _fees,
    _roi,
    _opening,
    _order_too_large,
    _grid_too_large,
    _shadowed,
    _never_binding,
    _counts,
    _losses,
    _cancels,
)
