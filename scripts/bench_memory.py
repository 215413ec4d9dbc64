"""Run a maker over many rows, and print the peak of memory beyond the mapped data and the time per row as JSON.

    python scripts/bench_memory.py ROWS [MORE_ROWS]

The rows are those of `data synth --rows ROWS`: one market, however long. With a second number the few rows are run
before and after the many, five times each: what is compared has met the same minutes of the machine's clock.
"""

import json
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
AROUND = 5  # runs over few rows before, and after, the one over many
START_NS = 1_722_470_400_000_000_000
OVERRIDES = {
    "strategy.class_path": "trading_platform.strategies.touch_maker:touch_maker",
    "strategy.params": {"order_qty": "0.01", "levels": 1},
    "engine.exchange_model": "no_partial_fill",
    "risk.position_limits.max_position": 100,
    "risk.notional_limits": None,
    "risk.quote_limits": None,
    "risk.order_rate_limits.max_orders_per_second": 1,
    "risk.order_rate_limits.max_cancels_per_second": 1,
    "risk.order_rate_limits.burst_orders": 2,
    "risk.order_rate_limits.burst_cancels": 2,
    "risk.max_loss": None,
}


class PeakOfAnonymousMemory:
    """Samples the memory of this process that is no mapped file, every 20 ms while it is entered [MB]."""

    def __init__(self) -> None:
        self.peak_mb = 0.0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._sample)

    def __enter__(self) -> "PeakOfAnonymousMemory":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _sample(self) -> None:
        while not self._ended.wait(0.02):
            status = Path("/proc/self/status").read_text(encoding="utf-8")
            (anonymous,) = re.findall(r"^RssAnon:\s+(\d+) kB", status, re.MULTILINE)
            self.peak_mb = max(self.peak_mb, int(anonymous) / 1024)


def run_and_measure(data: Path) -> dict[str, float]:
    """Run the maker over a file of events."""
    from trading_platform.backtest.engine import run_backtest
    from trading_platform.config.load import load_config

    config = load_config(ROOT / "examples/local/local.json", OVERRIDES | {"engine.data_files": [str(data)]})
    with PeakOfAnonymousMemory() as memory:
        started = time.perf_counter()
        record = run_backtest(config, data.parent / "run")
        seconds = time.perf_counter() - started
    rows = record["summary"]["run"]["rows"]
    return {
        "rows": rows,
        "events": record["log"]["events"],
        "rss_over_data_mb": memory.peak_mb,
        "loop_ns_a_row": record["wall_seconds"] / rows * 1e9,
        "run_ns_a_row": seconds / rows * 1e9,
    }


def run_in_a_process(data: Path) -> dict[str, float]:
    """The same in a process of its own."""
    (data.parent / "run").mkdir()
    command = [sys.executable, __file__, "--run", str(data)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    shutil.rmtree(data.parent / "run")
    return dict(json.loads(done.stdout))


def measure(few_rows: int, many_rows: int | None) -> dict[str, float]:
    """Write the data and run on it; see above."""
    from trading_platform.data.synth import save_synthetic

    with tempfile.TemporaryDirectory() as folder:
        few, many = Path(folder) / "few" / "market.npy", Path(folder) / "many" / "market.npy"
        few.parent.mkdir()
        save_synthetic(few, 1, START_NS, rows=few_rows)
        if many_rows is None:
            return run_in_a_process(few)
        many.parent.mkdir()
        save_synthetic(many, 1, START_NS, rows=many_rows)
        runs = [run_in_a_process(few) for _ in range(AROUND)]
        long = run_in_a_process(many)
        runs += [run_in_a_process(few) for _ in range(AROUND)]
    short_ns, short_mb = (
        statistics.median(run[name] for run in runs) for name in ("loop_ns_a_row", "rss_over_data_mb")
    )
    return {
        "rss_over_data_mb": short_mb,
        "rss_over_data_mb_of_many": long["rss_over_data_mb"],
        "loop_time_a_row_of_many_over_few": long["loop_ns_a_row"] / short_ns,
    }


def main() -> None:
    """Print what was measured."""
    if sys.argv[1] == "--run":
        print(json.dumps(run_and_measure(Path(sys.argv[2]))))
        return
    few, *many = map(int, sys.argv[1:])
    print(json.dumps(measure(few, many[0] if many else None)))


if __name__ == "__main__":
    main()
