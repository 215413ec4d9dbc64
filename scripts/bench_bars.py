"""Measure how fast bars are made. Prints a table, or JSON with ``--json``.

Trades are a seeded walk in memory; rows are an event file, with its book. CPU time of the best of some repetitions, on
one core, after compilation. Run it on an idle machine:

    python scripts/bench_bars.py [--trades 2000000] [--repetitions 5] [--rows FILE.npy --tick 0.1 --lot 0.001] [--json]
"""

import argparse
import json
import sys
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
SEED = 1
START_NS = 1_722_470_400_000_000_000
SIZES = {
    "time": 1,
    "tick": 100,
    "volume": 20_000,
    "notional": 12_000_000_000,
    "range": 20,
    "renko": 20,
    "tick-imbalance": 100,
    "volume-imbalance": 100,
    "notional-imbalance": 100,
    "tick-run": 100,
    "volume-run": 100,
    "notional-run": 100,
}


def walk(count: int) -> Any:
    """Return trades (TRADE): prices near 600,000 ticks, one a millisecond."""
    from trading_platform.model.records import TRADE

    random = np.random.default_rng(SEED)
    trades = np.zeros(count, TRADE)
    trades["price_ticks"] = 600_000 + np.cumsum(random.integers(-2, 3, count))
    trades["qty_lots"] = random.integers(1, 400, count)
    trades["side"] = random.choice([-1, 1], count)
    trades["ts_local_ns"] = START_NS + np.arange(count) * 1_000_000
    return trades


def best_cpu(work: Callable[[], int], repetitions: int) -> tuple[float, int]:
    """Return the least CPU time of some calls [s], and what they returned."""
    took = []
    for _ in range(repetitions):
        started = time.process_time()
        made = work()
        took.append(time.process_time() - started)
    return min(took), made


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--trades", type=int, default=2_000_000)
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--rows", type=Path, help="an event file: its rows a second are measured too")
    parser.add_argument("--tick", type=Decimal, default=Decimal("0.1"))
    parser.add_argument("--lot", type=Decimal, default=Decimal("0.001"))
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()

    from trading_platform.core.bars.spec import BarGrid, BarSpec
    from trading_platform.data.bars import BarStream
    from trading_platform.data.files import load_events

    trades, found = walk(options.trades), []
    unit = BarGrid(Decimal(1), Decimal(1))
    for kind, size in SIZES.items():
        spec = BarSpec(kind, size)
        seconds, bars = best_cpu(
            lambda spec=spec: len(BarStream(spec, unit).add_trades(trades)), options.repetitions
        )
        found.append({"input": "trades", "kind": kind, "bars": bars, "per_second": len(trades) / seconds})
    if options.rows is not None:
        rows, grid = load_events(options.rows), BarGrid(options.tick, options.lot)
        spec = BarSpec("time", 1)
        seconds, bars = best_cpu(lambda: len(BarStream(spec, grid).add_rows(rows)), options.repetitions)
        found.append({"input": "rows", "kind": "time", "bars": bars, "per_second": len(rows) / seconds})
    if options.json:
        print(json.dumps({"trades": len(trades), "seed": SEED, "results": found}))
        return
    for one in found:
        print(
            f"{one['input']:7} {one['kind']:20} {one['bars']:>9,} bars  {one['per_second'] / 1e6:6.1f} million/s"
        )


if __name__ == "__main__":
    main()
