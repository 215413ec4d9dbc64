"""``warmup``: compile everything once."""

from importlib import import_module
from typing import Final

from .common import JsonOption, next_step, print_json, progress

MODULES: Final = (  # all that have functions which Python calls compiled
    "core.indicators.batch",
    "data.bars",
    "data.certify.scan",
    "data.certify.survey",
    "data.clean.levels",
    "data.cleared",
    "data.convert.binance_lines",
    "data.touch",
    "data.validate",
    "eventlog.schema",
    "report.instrument_log",
    "report.order_walk",
    "runner.compiled",
    "runner.interpreted",
    "runner.loop",
    "strategies.grid_maker",
    "strategies.imbalance_maker",
    "strategies.ma_cross",
    "strategies.touch_maker",
)


def warmup(as_json: JsonOption = False) -> None:
    """Compile all kernels and shipped strategies into the cache. About a minute, once per installation.

    Example: trading-platform warmup
    """
    with progress("compiling", unit="items", quiet=as_json) as show:
        from .. import _jit

        if not _jit.is_compiled():
            show.phase("compiling kernels, once per installation: about a minute")
        for name in MODULES:
            for member in vars(import_module(f"trading_platform.{name}")).values():
                if isinstance(member, _jit.Entry):
                    member.load()
    count = len(_jit.compiled_names)
    root = str(_jit.cache_root())
    if as_json:
        print_json({"compiled": count, "cache": root})
    else:
        print(f"compiled {count} functions into {root}")
        next_step("trading-platform run --config examples/local/local.json")
