"""``config show`` and ``config check``: what a configuration is made of, and what it means."""

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from .common import (
    ConfigFiles,
    JsonOption,
    SetOption,
    config_options,
    console,
    next_step,
    parse_overrides,
    print_json,
)

if TYPE_CHECKING:
    from ..config.facts import Market, StrategyFacts
    from ..config.layers import Origin
    from ..config.load import Loaded
    from ..config.oddities import Oddity
    from ..config.run import RunConfig

EXIT_WARNINGS: Final = 1
VALUE_WIDTH: Final = 24  # of the column; a longer value moves its origin to the right
SAMPLE_ROWS: Final = 100_000  # at each end of the data: what is looked at does not grow with it


def show(
    config: ConfigFiles,
    overrides: SetOption = None,
    origin: Annotated[
        bool, typer.Option("--origin", help="Each key, its value, and where it comes from.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Print the configuration as it will be run: all layers merged, defaults written out. A config again.

    Example: trading-platform config show --config examples/local/local.json --origin
    """
    from ..config.load import leaves, load_layers

    loaded = load_layers(config, os.environ, parse_overrides(overrides), check_files=False)
    resolved = loaded.config.resolved()
    if not origin:
        if as_json:
            print_json(resolved)
        else:
            print(json.dumps(resolved, indent=2, ensure_ascii=False))
        return
    found = [(key, value, loaded.origins[key]) for key, value in leaves(resolved)]
    if as_json:
        print_json(
            [
                {
                    "key": key,
                    "value": value,
                    "origin": one.kind,
                    "name": one.name or None,
                    "line": one.line,
                }
                for key, value, one in found
            ]
        )
        return
    _print_origins(found)
    next_step(f"trading-platform config check {config_options(config, overrides)}")


def _print_origins(found: "list[tuple[str, Any, Origin]]") -> None:
    """Print a line per key. Columns are as wide as what they hold: a narrow window wraps, nothing is cut."""
    from rich.text import Text

    rows = [(key, json.dumps(value, ensure_ascii=False), one) for key, value, one in found]
    key_width = max(len(key) for key, _, _ in rows)
    value_width = max((len(value) for _, value, _ in rows if len(value) <= VALUE_WIDTH), default=0)
    out = console()
    for key, value, one in rows:
        style = "dim" if one.kind == "default" else "cyan" if one.kind in ("env", "flag") else ""
        line = f"{key.ljust(key_width)}  {value.ljust(value_width)}  {one}"
        out.print(Text(line, style), soft_wrap=True)


def check(
    config: ConfigFiles,
    overrides: SetOption = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 1 if there are warnings.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Check a configuration with its data files and strategy, say what it means, and warn about what is odd.

    Example: trading-platform config check --config examples/local/local.json
    """
    from ..config.explain import explain
    from ..config.load import load_layers
    from ..config.oddities import find_oddities

    loaded = load_layers(config, os.environ, parse_overrides(overrides))
    strategy = _strategy_facts(loaded, config[0].resolve().parent)
    market = _market(loaded.config)
    explanation = explain(loaded.config, strategy, market)
    oddities = find_oddities(loaded.config, strategy, market)
    if as_json:
        print_json(
            {
                "id": loaded.config.id,
                "explanation": explanation,
                "warnings": [oddity._asdict() for oddity in oddities],
            }
        )
    else:
        _print_check(loaded.config, explanation, oddities)
        next_step(f"trading-platform run {config_options(config, overrides)}")
    if strict and oddities:
        raise typer.Exit(EXIT_WARNINGS)


def _print_check(
    config: "RunConfig", explanation: dict[str, list[str]], oddities: tuple["Oddity", ...]
) -> None:
    from rich.text import Text

    out = console()
    title = f"{config.id}: {config.description}" if config.description else config.id
    out.print(Text(title, "bold"))
    for part, sentences in explanation.items():
        out.print(Text(part, "bold"))
        for sentence in sentences:
            out.print(Text(f"  {sentence}"))
    out.print(Text(f"{len(oddities) or 'no'} warning{'' if len(oddities) == 1 else 's'}", "bold"))
    for oddity in oddities:
        out.print(Text(f"  {oddity.code} {oddity.key}", "yellow"))
        out.print(Text(f"    {oddity.effect}"))
        out.print(Text(f"    cure: {oddity.cure}"))


def _strategy_facts(loaded: "Loaded", search: Path) -> "StrategyFacts":
    """Import the strategy, check its parameters (also against the instrument's grid), and return what it says.

    Raises
    ------
    ConfigError : no such strategy, or wrong parameters
    StrategyError : its module cannot be imported
    """
    from ..config.facts import StrategyFacts
    from ..config.load import validate_params
    from ..strategies.compiled import CompiledStrategy
    from ..strategies.registry import load_strategy

    strategy = load_strategy(loaded.config.strategy.class_path, search)
    params = validate_params(strategy.Params, loaded)
    params.to_record(loaded.config.instrument)
    values: dict[str, Any] = params.model_dump()
    units = strategy.Params.units()
    is_qty = units.get("order_qty") == "lots"
    is_count = strategy.Params.model_fields["levels"].annotation is int if "levels" in units else False
    return StrategyFacts(
        form="compiled" if isinstance(strategy, CompiledStrategy) else "interpreted",
        params=values,
        order_qty=values["order_qty"] if is_qty else None,
        levels=values["levels"] if is_count else None,
        levels_per_side=strategy.levels_per_side,
    )


def _market(config: "RunConfig") -> "Market | None":
    """Return the traded prices at the two ends of the data, None without a trade there.

    Raises
    ------
    DataError : a file is no event file
    """
    from decimal import Decimal

    import numpy as np

    from ..backtest.io.market_data import range_of
    from ..config.facts import Market
    from ..data.events import KIND_MASK, LOCAL_FLAG, TRADE
    from ..data.files import load_events

    engine = config.engine
    if engine.data is not None:
        days = range_of(engine.data, (config.instrument.tick_size, config.instrument.lot_size)).days
        head, tail = days[0].rows, days[-1].rows
    else:
        files = engine.data_files or ()
        head = load_events(files[0])
        tail = head if len(files) == 1 else load_events(files[-1])
    found = []
    for rows in (head[:SAMPLE_ROWS], tail[-SAMPLE_ROWS:]):
        trades = rows[((rows["ev"] & KIND_MASK) == TRADE) & ((rows["ev"] & LOCAL_FLAG) != 0)]
        found.append(trades["px"][np.isfinite(trades["px"]) & (trades["px"] > 0)])
    prices = np.concatenate(found)
    if not len(prices):
        return None
    tick = config.engine.instrument.tick_size

    def on_grid(price: float) -> Decimal:
        return round(Decimal(float(price)) / tick) * tick

    return Market(
        first=on_grid(prices[0]),
        last=on_grid(prices[-1]),
        low=on_grid(prices.min()),
        high=on_grid(prices.max()),
    )
