"""What a strategy declares and can not mean: call-backs that nothing calls, data that is not copied."""

from collections.abc import Iterator
from pathlib import Path

from ..model.enums import Wake
from ..strategies.base import Strategy
from ..strategies.compiled import CompiledStrategy
from ..strategies.registry import AnyStrategy
from .findings import WARNING, Finding


def declared_findings(strategy: AnyStrategy, file: Path) -> list[Finding]:
    """Return what does not fit in the declaration of a strategy."""
    return [Finding(code, WARNING, str(file), 0, text, cure) for code, text, cure in _declared(strategy)]


def _declared(strategy: AnyStrategy) -> Iterator[tuple[str, str, str]]:
    if strategy.wake & Wake.INTERVAL and not strategy.interval_ns:
        yield (
            "interval-without-length",
            "wake has Wake.INTERVAL, and interval_ns is 0: the interval never ends",
            "set interval_ns, in nanoseconds: 1_000_000_000 is a second",
        )
    if strategy.interval_ns and not strategy.wake & Wake.INTERVAL:
        yield (
            "length-without-interval",
            f"interval_ns is {strategy.interval_ns}, and wake has no Wake.INTERVAL: nothing wakes for it",
            "add Wake.INTERVAL to wake, or leave interval_ns out",
        )
    if strategy.wake & Wake.TRADES and not strategy.trades_capacity:
        yield (
            "trades-without-room",
            "wake has Wake.TRADES, and trades_capacity is 0: no trade is copied, so none wakes it",
            "set trades_capacity to the most trades of one block that matter, say 64",
        )
    if strategy.wake & Wake.BAR and not strategy.bars:
        yield (
            "bar-without-series",
            "wake has Wake.BAR, and bars is empty: no bar is made, so none wakes it",
            'declare a series: bars = (BarSpec("time", 60),)',
        )
    if isinstance(strategy, CompiledStrategy):
        return
    for name, bits, word in (
        ("on_trades", Wake.TRADES, "Wake.TRADES"),
        ("on_bar", Wake.BAR, "Wake.BAR"),
        ("on_market", Wake.FEED | Wake.TOUCH | Wake.PRICE, "Wake.FEED, Wake.TOUCH or Wake.PRICE"),
        ("on_timer", Wake.TIMER | Wake.INTERVAL, "Wake.TIMER or Wake.INTERVAL"),
    ):
        if getattr(strategy, name) is not getattr(Strategy, name) and not strategy.wake & bits:
            yield (
                "call-back-without-wake",
                f"{name} is never called: wake has no {word}",
                f"add {word} to wake, or leave {name} out",
            )
