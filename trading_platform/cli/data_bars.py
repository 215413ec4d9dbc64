"""``data bars``: bars of event files."""

import importlib
import re
import sys
import traceback
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from ..model.errors import ConfigError
from .common import JsonOption, UsageError, decimal_option, next_step, print_json, progress
from .data_certify import streams_of

if TYPE_CHECKING:
    from ..core.bars.rule import BarRule
    from ..core.bars.spec import BarGrid

INVERSE_VENUES: Final = frozenset({"binance-coinm"})


def bars(
    paths: Annotated[
        list[Path],
        typer.Argument(help="Event files of one instrument in the order of time, or directories of them."),
    ],
    kind: Annotated[
        str,
        typer.Option(
            help="time, tick, volume, notional, range, renko, tick-imbalance, volume-imbalance, notional-imbalance, "
            "tick-run, volume-run, notional-run or custom."
        ),
    ],
    size: Annotated[
        str,
        typer.Option(
            help="Seconds (time), trades (tick), quantity (volume), quote currency (notional), price (range, renko), "
            "expected trades of the first bars (imbalance, run), what a custom rule wants."
        ),
    ],
    out: Annotated[
        Path, typer.Option("--out", "-o", help="The .parquet (human units) or .npy (records) file to write.")
    ],
    tick_size: Annotated[
        str | None, typer.Option(help="Grid of prices; else from the manifest beside the first file.")
    ] = None,
    lot_size: Annotated[
        str | None, typer.Option(help="Grid of quantities; else from the manifest beside the first file.")
    ] = None,
    contract_size: Annotated[
        str, typer.Option(help="Value of quantity 1: in base currency, or in quote currency with --inverse.")
    ] = "1",
    inverse: Annotated[
        bool, typer.Option(help="Contracts of a fixed value in quote currency: notional counts them.")
    ] = False,
    trades_min: Annotated[
        int | None, typer.Option(help="Shortest imbalance or run bar; else a quarter of the size.")
    ] = None,
    trades_max: Annotated[
        int | None, typer.Option(help="Longest imbalance or run bar; else four times the size.")
    ] = None,
    warmup_bars: Annotated[
        int | None, typer.Option(help="First imbalance or run bars, of `size` trades; else 1.")
    ] = None,
    span_bars: Annotated[
        int | None,
        typer.Option(
            help="Expectations of imbalance and run bars weigh the newest with 2 / (span_bars + 1); else 20."
        ),
    ] = None,
    rule: Annotated[
        str | None, typer.Option(help="module:name of a function decorated with bar_rule, for custom bars.")
    ] = None,
    param: Annotated[
        list[int] | None, typer.Option(help="Integer for the custom rule. Repeatable, at most 8.")
    ] = None,
    overwrite: Annotated[bool, typer.Option(help="Replace a file that differs.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Make bars from the trades of event files, with the touch that was in force at each.

    Example: trading-platform data bars data/btcusdt_20240808.npy --kind volume --size 10 --out bars.parquet
    """
    from ..core.bars.spec import BarSpec
    from ..data.bars import make_bars
    from ..report.bar_table import require_bar_suffix, save_bars

    require_bar_suffix(out)
    files = [file for path in paths for stream in streams_of([path]) for file in stream]
    spec = BarSpec(
        kind=kind,
        size=size,
        trades_min=trades_min,
        trades_max=trades_max,
        warmup_bars=warmup_bars,
        span_bars=span_bars,
        rule=_rule(rule),
        params=tuple(param or ()),
    )
    grid = _grid(files[0], tick_size, lot_size, contract_size, inverse)
    spec.to_record(grid)  # before the data is read
    with progress("making bars", unit="items", quiet=as_json) as show:
        made = make_bars(spec, grid, files, progress=show)
        save_bars(out, made, overwrite=overwrite)
    facts = {
        "out": str(out),
        "kind": kind,
        "size": size,
        "bars": len(made.bars),
        "trades": made.trades,
        "open_trades": made.open_trades,
        "rows": made.rows,
        "tick_size": str(grid.tick_size),
        "lot_size": str(grid.lot_size),
    }
    if as_json:
        print_json(facts)
        return
    print(
        f"wrote {out} ({len(made.bars):,} {kind} bars of {made.trades:,} trades; the last {made.open_trades:,} are of "
        "a bar that is not complete)"
    )
    if out.suffix == ".parquet":
        next_step(f"python -c \"import polars; print(polars.read_parquet('{out}'))\"")


def _grid(
    first: Path, tick_size: str | None, lot_size: str | None, contract_size: str, inverse: bool
) -> "BarGrid":
    """Return the grid that is given, its steps else from the manifest beside the first file."""
    from ..core.bars.spec import BarGrid
    from ..data.manifest import manifest_of

    manifest = manifest_of(first)
    if manifest is not None and manifest.venue in INVERSE_VENUES and not inverse:
        raise UsageError(
            f"{first}: contracts of {manifest.venue} are inverse: give --inverse and --contract-size, the value of "
            "one in quote currency (100 for BTCUSD_PERP, 10 for most others)"
        )
    steps: dict[str, Decimal] = {}
    for name, given in (("tick_size", tick_size), ("lot_size", lot_size)):
        option = f"--{name.replace('_', '-')}"
        if given is not None:
            steps[name] = decimal_option(option, given)
        elif manifest is not None:
            steps[name] = getattr(manifest, name)
        else:
            raise UsageError(
                f"{option} must be given: {first} has no manifest that says it; e.g. {option} 0.1"
            )
    return BarGrid(**steps, contract_size=decimal_option("--contract-size", contract_size), inverse=inverse)


def _rule(text: str | None) -> "BarRule | None":
    """Return the rule that module:name means; modules of the current directory count."""
    if text is None:
        return None
    from ..core.bars.rule import BarRule
    from ..strategies.registry import raise_if_not_compiled

    if not re.fullmatch(r"\w+(\.\w+)*:\w+", text):
        raise ConfigError(f"--rule must be module:name, was {text!r}: my_rules:big_trade is in my_rules.py")
    module_name, _, name = text.partition(":")
    if str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    try:
        found = getattr(importlib.import_module(module_name), name, None)
    except (Exception, SystemExit) as error:
        raise_if_not_compiled(error, module_name)
        place = traceback.extract_tb(error.__traceback__)[-1]
        raise ConfigError(
            f"--rule: importing {module_name} failed: {type(error).__name__}: {error} ({place.filename}:{place.lineno})"
        ) from error
    if not isinstance(found, BarRule):
        raise ConfigError(
            f"--rule must name a function decorated with bar_rule, {text} is {type(found).__name__}: "
            "from trading_platform.core.bars.rule import bar_rule"
        )
    return found
