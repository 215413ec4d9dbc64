"""A configuration in words: what is traded on what market, by whom, within which limits, and where the record goes."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Final

from .facts import Market, StrategyFacts
from .fields import decimal_text, show
from .risk import NO_MAX_LOSS, NO_NOTIONAL_LIMITS, NO_QUOTE_LIMITS
from .run import RunConfig

_QUEUES: Final[Mapping[str, str]] = {
    "risk_averse": "only trades move a resting order forward (risk_averse)",
    "log_prob": "a share of what leaves a level moves a resting order forward, logarithmic (log_prob)",
    "log_prob2": "a share of what leaves a level moves a resting order forward, logarithmic (log_prob2)",
    "power_prob": "a share of what leaves a level moves a resting order forward, to the power of {} (power_prob)",
    "power_prob2": "a share of what leaves a level moves a resting order forward, to the power of {} (power_prob2)",
    "power_prob3": "a share of what leaves a level moves a resting order forward, to the power of {} (power_prob3)",
}
_SWEEPS: Final[Mapping[str, str]] = {
    "estimate": "an order that takes more than the best level is sent as it is",
    "best_level": "an order that takes more than the best level is cut to it",
    "deny": "an order that takes more than the best level is denied",
}
_REPLACES: Final[Mapping[str, str]] = {
    "after_ack": "a replace cancels first; the new order leaves when the cancel is acknowledged",
    "at_once": "a replace sends cancel and new order together: both can fill",
}


def explain(
    config: RunConfig, strategy: StrategyFacts | None = None, market: Market | None = None
) -> dict[str, list[str]]:
    """Return the sentences of each part: data, venue, strategy, limits, output. Without what is not known."""
    return {
        "data": list(_data(config, market)),
        "venue": list(_venue(config)),
        "strategy": list(_strategy(config, strategy)),
        "limits": list(_limits(config)),
        "output": list(_output(config)),
    }


def duration(seconds: Decimal) -> str:
    """Return a duration in the unit that reads best, exactly: 10 ms, 1.5 s."""
    for unit, factor in (("s", 1), ("ms", 10**3), ("us", 10**6)):
        if seconds * factor >= 1:
            return f"{decimal_text(seconds * factor)} {unit}"
    return f"{decimal_text(seconds * 10**9)} ns"


def _data(config: RunConfig, market: Market | None) -> Iterator[str]:
    engine, instrument = config.engine, config.engine.instrument
    quantity = instrument.qty_unit
    yield (
        f"{instrument.name}, {instrument.kind}: prices in {instrument.quote_currency} on a grid of "
        f"{show(instrument.tick_size)}, quantities in {quantity} on a grid of {show(instrument.lot_size)}"
    )
    if instrument.contract_size != 1 or instrument.kind == "inverse":
        held = instrument.quote_currency if instrument.kind == "inverse" else instrument.base_currency
        yield f"a quantity of 1 stands for {show(instrument.contract_size)} {held}"
    names = [path.name for path in engine.data_files or ()]
    if engine.data is not None:
        named = engine.data
        yield f"data of {named.venue} {named.instrument} from {named.start} to {named.end} (not included)"
    elif len(names) == 1:
        yield f"one file of data, {names[0]}"
    else:
        yield f"{len(names)} files of data, {names[0]} to {names[-1]}"
    if market is not None:
        yield f"first trade at {show(market.first)}, last at {show(market.last)}"
    if engine.initial_snapshot is not None:
        yield f"the book starts from {engine.initial_snapshot.name}"
    if engine.opening_position:
        held = f"{show(engine.opening_position)} {quantity}"
        yield f"the run starts with a position of {held} bought or sold at {show(engine.opening_price)}"
    if engine.max_wakeups is not None:
        yield f"the run stops after {engine.max_wakeups} calls of the strategy"


def _venue(config: RunConfig) -> Iterator[str]:
    engine = config.engine
    latency, fees, depth = engine.latency, engine.fees, engine.depth
    if latency.entry_seconds is not None and latency.response_seconds is not None:
        yield (
            f"an order reaches the venue after {duration(latency.entry_seconds)}, its report is back "
            f"{duration(latency.response_seconds)} later"
        )
    elif latency.file is not None:
        yield f"order latencies are interpolated from {latency.file.name}"
    queue = engine.queue_model
    power = decimal_text(queue.power) if "power" in queue.kind else ""
    yield f"queue: {_QUEUES[queue.kind].format(power)}"
    yield "orders fill in parts" if engine.exchange_model == "partial_fill" else "orders fill as a whole"
    yield f"fees: maker {_percent(fees.maker_rate)}, taker {_percent(fees.taker_rate)} of the traded value"
    yield _REPLACES[engine.replace_policy]
    yield _SWEEPS[engine.taker_sweeps]
    if depth.kind == "roi":
        yield f"the book covers prices from {show(depth.roi_min)} to {show(depth.roi_max)}"
    if engine.ack_timeout_seconds:
        yield f"an order without report is asked about after {duration(engine.ack_timeout_seconds)}"
    if engine.on_anomaly == "halt":
        yield "a report that cannot be halts trading, and the run goes on"


def _percent(rate: Decimal) -> str:
    return f"{decimal_text(rate * 100)} %"


def _strategy(config: RunConfig, strategy: StrategyFacts | None) -> Iterator[str]:
    given = config.strategy
    if strategy is None:
        yield given.class_path
        return
    yield f"{given.class_path}, {strategy.form}"
    told = []
    if strategy.order_qty is not None:
        unit = config.engine.instrument.qty_unit
        text = f"quotes up to {show(strategy.order_qty)} {unit}"
        told.append("order_qty")
        if strategy.levels is not None:
            told.append("levels")
            text += f" at {strategy.levels} level{'s' if strategy.levels > 1 else ''} on each side"
        yield text
    rest = [f"{name} {show(value)}" for name, value in strategy.params.items() if name not in told]
    if rest:
        yield f"parameters: {', '.join(rest)}"


def _limits(config: RunConfig) -> Iterator[str]:
    risk, instrument = config.risk, config.engine.instrument
    quote = instrument.quote_currency
    if not risk.trading_enabled:
        yield "trading is disabled: every new order is denied"
    yield f"position at most {show(risk.position_limits.max_position)} {instrument.qty_unit}, open orders counted"
    notionals = risk.notional_limits or NO_NOTIONAL_LIMITS
    quotes = risk.quote_limits or NO_QUOTE_LIMITS
    for what, value in (
        ("position and open orders together", notionals.max_gross_notional),
        ("one order", notionals.max_single_order_notional),
        ("open orders", quotes.max_gross_quote_notional),
        ("the difference of open bids and asks", quotes.max_net_quote_notional),
    ):
        if value is None:
            yield f"no limit on the value of {what}"
        else:
            yield f"{what} worth at most {show(value)} {quote}"
    if quotes.max_active_quotes is None:
        yield "no limit on the number of open orders"
    else:
        yield f"at most {quotes.max_active_quotes} open orders"
    yield from _rates(config)
    yield from _losses(config)
    policy = risk.venue_policy
    if policy.min_order_notional:
        yield f"an order worth less than {show(policy.min_order_notional)} {quote} is denied"
    refused = "denied" if policy.post_only_mode == "deny" else "dropped, and counted"
    yield f"a post-only order that would trade at once is {refused}"
    yield f"a market order trades at most {_percent(policy.market_collar)} (at least one tick) beyond the best price"


def _rates(config: RunConfig) -> Iterator[str]:
    rates = config.risk.order_rate_limits
    for what in ("orders", "cancels"):
        rate = getattr(rates, f"max_{what}_per_second", None)
        if rates is None or rate is None:
            yield f"no limit on the rate of {what}"
            continue
        given = getattr(rates, f"burst_{what}")
        burst = max(1, int(rate)) if given is None else given
        yield f"at most {show(rate)} {what}/s (burst {burst}); more wait"


def _losses(config: RunConfig) -> Iterator[str]:
    losses, currency = config.risk.max_loss or NO_MAX_LOSS, config.instrument.settlement_currency
    if losses.max_drawdown is None:
        yield "no limit on the drawdown"
    else:
        yield f"halts at a drawdown of more than {show(losses.max_drawdown)} {currency}"
    if losses.rolling_loss is None or losses.rolling_loss_window_seconds is None:
        yield "no limit on the loss within a time"
    else:
        window = duration(losses.rolling_loss_window_seconds)
        yield f"halts at a loss of more than {show(losses.rolling_loss)} {currency} within {window}"


def _output(config: RunConfig) -> Iterator[str]:
    output = config.output
    yield f"runs are written to {output.directory}, this one as {output.run_id or f'{config.id}-TIME'}"
    if output.stats_interval_seconds:
        yield f"equity is sampled every {duration(output.stats_interval_seconds)}"
    else:
        yield "equity is sampled at the end only"
    if output.journal_touch:
        yield "every change of best bid and ask is in the log: it is large"
    if output.audit == "all":
        yield "every look at a limit is recorded in audit.parquet: it is large"
