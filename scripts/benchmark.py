"""Measure what safety costs. Prints a table, or JSON with ``--json``.

Ratios are medians of interleaved repetitions in this one process: same data, same depth kind, CPU time. The loops that
are compared with are in bench_loops.py. Run it on an idle machine:

    python scripts/benchmark.py [--config examples/binance/btcusdt.json] [--repetitions 9] [--json] [--cold]
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(Path(__file__).resolve().parent))
LOCAL = ROOT / "examples" / "local" / "local.json"
BINANCE = ROOT / "examples" / "binance" / "btcusdt.json"
MAKER = "trading_platform.strategies.touch_maker:touch_maker"
MAKER_CLASS = "trading_platform.strategies.touch_maker:TouchMaker"
PARAMS = {"order_qty": "0.01", "levels": 1}
UNBOUND: dict[str, Any] = {  # so that the guarded maker sends what the unguarded ones send
    "engine.exchange_model": "no_partial_fill",
    "strategy.params": PARAMS,
    "risk.position_limits.max_position": 100,
    "risk.notional_limits": None,
    "risk.quote_limits": None,
    "risk.order_rate_limits": None,
    "risk.max_loss": None,
    "output.stats_interval_seconds": 0,
}


def cpu_seconds(work: Callable[[], Any]) -> tuple[float, Any]:
    """Return the CPU time of a call, and its result."""
    started = time.process_time()
    result = work()
    return time.process_time() - started, result


def measure(config_path: Path, repetitions: int) -> dict[str, Any]:
    """Run all loops in turn, ``repetitions`` times."""
    from bench_loops import bare_replay, readme_maker, unguarded_maker
    from hftbacktest.binding import HashMapMarketDepthBacktest_, ROIVectorMarketDepthBacktest_

    from trading_platform.backtest.engine import open_session, run_loop
    from trading_platform.config.load import load_config
    from trading_platform.eventlog.writer import EventLogWriter
    from trading_platform.runner.loop import release

    compiled = load_config(config_path, UNBOUND | {"strategy.class_path": MAKER})
    interpreted = load_config(config_path, UNBOUND | {"strategy.class_path": MAKER_CLASS})
    instrument = compiled.instrument
    tick_size, lot_size = float(instrument.tick_size), float(instrument.lot_size)
    qty_lots = instrument.qty_to_lots(Decimal(PARAMS["order_qty"]))
    times: dict[str, list[float]] = {}
    facts: dict[str, Any] = {}
    traded: dict[str, tuple[int, int]] = {}

    def bare(name: str, loop: Callable[[int, int], Any]) -> Any:
        session = open_session(compiled)
        venue = session.engine.venue
        seconds, result = cpu_seconds(lambda: loop(int(venue[0]["roi"]), int(venue[0]["backtest"])))
        times.setdefault(name, []).append(seconds)
        release(venue)
        return result

    def guarded(name: str, config: Any) -> None:
        session = open_session(config)
        with tempfile.TemporaryDirectory() as folder, EventLogWriter(Path(folder) / "events.bin") as log:
            seconds, _ = cpu_seconds(lambda: run_loop(session, log))
            facts["events"] = log.events
        times.setdefault(name, []).append(seconds)
        state = session.state
        facts["rows"] = session.data.facts.rows
        facts["wakeups"] = int(state.session[0]["wakeup_count"])
        facts["orders"] = int(state.session[0]["order_id_last"])
        traded[name] = (int(state.positions[0]["fill_count"]), int(state.positions[0]["net_lots"]))

    def readme(roi: int, backtest: int) -> int:
        hbt = (ROIVectorMarketDepthBacktest_ if roi else HashMapMarketDepthBacktest_)(backtest)
        return int(readme_maker(hbt, tick_size, qty_lots * lot_size))

    for _ in range(repetitions + 1):  # the first one warms up and is left out
        bare("bare replay", bare_replay)
        counts = bare(
            "unguarded C-ABI maker",
            lambda roi, backtest: unguarded_maker(roi, backtest, tick_size, lot_size, qty_lots),
        )
        traded["unguarded C-ABI maker"] = (int(counts[3]), int(counts[4]))
        guarded("compiled maker", compiled)
        bare("README-style maker", readme)
        guarded("interpreted maker", interpreted)
    if len(set(traded.values())) != 1:
        raise SystemExit(f"the makers do not trade the same (fills, net lots): {traded}")
    kept = {name: values[1:] for name, values in times.items()}
    medians = {name: statistics.median(values) for name, values in kept.items()}
    return {
        "data": str(config_path),
        **facts,
        "fills": traded["compiled maker"][0],
        "cpu_seconds": medians,
        "guarded_over_unguarded": ratio(kept, "compiled maker", "unguarded C-ABI maker"),
        "guarded_over_readme_loop": ratio(kept, "compiled maker", "README-style maker"),
        "interpreted_wakeups_per_s": facts["wakeups"] / medians["interpreted maker"],
        "rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def ratio(times: dict[str, list[float]], name: str, base: str) -> float:
    """Return the median of the ratios of neighbouring repetitions."""
    return statistics.median(one / other for one, other in zip(times[name], times[base], strict=True))


def start_seconds(cache: Path | None) -> float:
    """Return the wall time of ``run`` in a new process, to the finished record of 100 wakeups on bundled data."""
    with tempfile.TemporaryDirectory() as folder:
        environment = dict(os.environ) | ({"TRADING_PLATFORM_CACHE": str(cache)} if cache else {})
        command = [sys.executable, "-m", "trading_platform.cli", "run", "-c", str(LOCAL), "--json"]
        for override in (
            f"strategy.class_path={MAKER}",
            f"strategy.params={json.dumps(PARAMS)}",
            "engine.max_wakeups=100",
            f"output.directory={folder}",
        ):
            command += ["--set", override]
        started = time.perf_counter()
        subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL, cwd=ROOT)
        return time.perf_counter() - started


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--config", type=Path, help="default: the BTCUSDT recording if it was converted, else bundled data"
    )
    parser.add_argument("--repetitions", type=int, default=9)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--cold", action="store_true", help="measure the start with an empty cache too")
    options = parser.parse_args()
    recording = ROOT / "data" / "binance_usdm_btcusdt_20240808.npy"
    config = options.config or (BINANCE if recording.is_file() else LOCAL)
    result = measure(config, options.repetitions)
    start_seconds(None)
    result["warm_start_s"] = statistics.median(start_seconds(None) for _ in range(3))
    if options.cold:
        with tempfile.TemporaryDirectory() as folder:
            result["cold_start_s"] = start_seconds(Path(folder))
    print(json.dumps(result, indent=2) if options.json else table(result))


def table(result: dict[str, Any]) -> str:
    """Return the result for people."""
    lines = [
        f"{result['data']}: {result['rows']} rows, {result['wakeups']} wakeups, {result['orders']} orders, "
        f"{result['fills']} fills, {result['events']} events"
    ]
    lines += [
        f"  {name:24} {seconds * 1e3:9.1f} ms CPU {seconds / result['wakeups'] * 1e9:9.0f} ns a wakeup"
        for name, seconds in result["cpu_seconds"].items()
    ]
    lines += [f"  {name:28} {value:12.3f}" for name, value in result.items() if isinstance(value, float)]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
