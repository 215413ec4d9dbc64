"""``warmup``: compile everything once."""

from .common import JsonOption, next_step, print_json, progress


def warmup(as_json: JsonOption = False) -> None:
    """Compile all kernels and shipped strategies into the cache. About a minute, once per installation.

    Example: trading-platform warmup
    """
    with progress("compiling", unit="items", quiet=as_json) as show:
        from .. import _jit

        if not _jit.is_compiled():
            show.phase("compiling kernels, once per installation: about a minute")
        from ..data import bars
        from ..data.certify.scan import judge_end, judge_rows
        from ..data.certify.survey import look_at_rows
        from ..data.clean.levels import find_passed
        from ..data.convert.binance_lines import parse_lines
        from ..data.validate import scan
        from ..eventlog.schema import first_fault
        from ..runner import compiled, interpreted, loop
        from ..strategies import (  # noqa: F401 (importing compiles)
            grid_maker,
            imbalance_maker,
            ma_cross,
            touch_maker,
        )

        for each in (
            loop.begin,
            loop.end,
            loop.release,
            compiled.run_compiled,
            interpreted.run_to_wakeup,
            scan,
            bars.fold_rows,
            bars.close_due,
            look_at_rows,
            judge_rows,
            judge_end,
            find_passed,
            parse_lines,
            first_fault,
        ):
            each.load()
    count = len(_jit.compiled_names)
    root = str(_jit.cache_root())
    if as_json:
        print_json({"compiled": count, "cache": root})
    else:
        print(f"compiled {count} functions into {root}")
        next_step("trading-platform run --config examples/local/local.json")
