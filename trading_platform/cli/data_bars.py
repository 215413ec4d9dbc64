"""``data bars``: bars of event files."""

import importlib
import json
import re
import sys
import traceback
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from ..model.errors import ConfigError, DataError
from .common import JsonOption, UsageError, next_step, print_json, progress

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
    from ..data.bar_table import require_bar_suffix, save_bars
    from ..data.bars import make_bars

    require_bar_suffix(out)
    files = _files(paths)
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


def _files(paths: list[Path]) -> list[Path]:
    """Return the files that paths mean: a directory stands for the event files below it, by name."""
    files: list[Path] = []
    for path in paths:
        if not path.is_dir():
            files.append(path)
            continue
        found = sorted(file for file in path.rglob("*.np[yz]") if not file.name.startswith("."))
        if not found:
            raise UsageError(
                f"{path}: must hold .npy or .npz event files, holds none: convert recordings into it"
            )
        files += found
    return files


def _grid(
    first: Path, tick_size: str | None, lot_size: str | None, contract_size: str, inverse: bool
) -> "BarGrid":
    from ..core.bars.spec import BarGrid

    manifest = _manifest(first)
    if manifest.get("venue") in INVERSE_VENUES and not inverse:
        raise UsageError(
            f"{first}: contracts of {manifest['venue']} are inverse: give --inverse and --contract-size, the value of "
            "one in quote currency (100 for BTCUSD_PERP, 10 for most others)"
        )
    values: dict[str, Decimal] = {}
    for name, given in (("tick_size", tick_size), ("lot_size", lot_size), ("contract_size", contract_size)):
        text = manifest.get(name) if given is None else given
        option = f"--{name.replace('_', '-')}"
        if text is None:
            raise UsageError(
                f"{option} must be given: {first.with_suffix('.json')} does not say it; e.g. {option} 0.1"
            )
        try:
            values[name] = Decimal(str(text))
        except InvalidOperation:
            raise UsageError(f"{option} must be a decimal number, was {text!r}") from None
    grid = BarGrid(inverse=inverse, **values)
    grid.check()
    return grid


def _manifest(path: Path) -> dict[str, Any]:
    """Return the manifest beside an event file, empty if there is none."""
    manifest = path.with_suffix(".json")
    if not manifest.is_file():
        return {}
    try:
        content = json.loads(manifest.read_bytes())
    except ValueError as error:
        raise DataError(
            f"{manifest}: must be a manifest in JSON ({error}): convert the recording again"
        ) from None
    if not isinstance(content, dict):
        raise DataError(f"{manifest}: must be a JSON object, was {type(content).__name__}")
    return content


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
