"""``warmup``: compile everything once."""

from contextlib import suppress
from decimal import Decimal

from .common import JsonOption, next_step, print_json, progress


def warmup(as_json: JsonOption = False) -> None:
    """Compile all kernels and shipped strategies into the cache. About a minute, once per installation.

    Example: trading-platform warmup
    """
    with progress("compiling", unit="items", quiet=as_json) as show:
        from .. import _jit

        if not _jit.is_compiled():
            show.phase("compiling kernels, once per installation: about a minute")
        import numpy as np

        from ..data.synth import synthesize
        from ..data.validate import validate_events
        from ..eventlog.schema import check_block
        from ..model.errors import EventLogError
        from ..model.records import EVENT
        from ..runner import compiled, interpreted  # noqa: F401 (importing compiles)
        from ..strategies import grid_maker, touch_maker  # noqa: F401

        with suppress(EventLogError):  # an empty record is none; these compile on first use
            check_block(np.zeros(1, EVENT), 0, 0)
        rows = synthesize(1, 1, 10**9)
        validate_events([rows], ["warmup"], Decimal("0.1"), Decimal("0.001"))
    count = len(_jit.KernelCache.compiled)
    root = str(_jit.cache_root())
    if as_json:
        print_json({"compiled": count, "cache": root})
    else:
        print(f"compiled {count} functions into {root}")
        next_step("trading-platform run --config examples/local/local.json")
