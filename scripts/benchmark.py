"""Measure what safety costs. Prints a table and then JSON, only JSON with ``--json``.

Ratios are medians of interleaved repetitions in this one process: same data, same depth kind, CPU time, with wall time
beside it. The loops that are compared with are in bench_loops.py, more strategies in bench_strategies.py, the memory of
a long run in bench_memory.py. Run it on an idle machine, which takes two minutes:

    python scripts/benchmark.py [--config FILE] [--repetitions 9] [--json] [--quick] [--memory]

The market is Binance BTCUSDT of 2024-08-08 if its recording was converted to data/ or lies in ../shared/data or in the
directory that TRADING_PLATFORM_DATA names, else the bundled one.
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
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(Path(__file__).resolve().parent))
LOCAL = ROOT / "examples" / "local" / "local.json"
BINANCE = ROOT / "examples" / "binance" / "btcusdt.json"
MAKER = "trading_platform.strategies.touch_maker:touch_maker"
MAKER_CLASS = "trading_platform.strategies.touch_maker:TouchMaker"
RECORDING = "binance_usdm_btcusdt_20240808.gz"
FEW_ROWS, MANY_ROWS = 1_000_000, 50_000_000
START_NS = 1_722_470_400_000_000_000
PARAMS: dict[str, Any] = {"order_qty": "0.01", "levels": 1}
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


@dataclass(frozen=True)
class Took:
    """What one call took [s]."""

    cpu: float
    wall: float


class Bench:
    """The loops over one market, and what they took in each repetition."""

    def __init__(self, config_path: Path, data_root: Path | None = None) -> None:
        from trading_platform.config.load import load_config

        self.config_path = config_path
        self.overrides = UNBOUND | ({"engine.data.root": str(data_root)} if data_root is not None else {})
        self.load = load_config
        self.took: dict[str, list[Took]] = {}
        self.traded: dict[str, tuple[int, int]] = {}
        self.facts: dict[str, int] = {}

    def time(self, name: str, work: Callable[[], Any]) -> Any:
        """Call, and note what it took."""
        cpu, wall = time.process_time(), time.perf_counter()
        result = work()
        self.took.setdefault(name, []).append(Took(time.process_time() - cpu, time.perf_counter() - wall))
        return result

    def bare(self, name: str, loop: Callable[[int, int], Any]) -> Any:
        """Run a loop over the engine alone: it gets the kind of depth and the engine's address."""
        from trading_platform.backtest.engine import open_session
        from trading_platform.runner.loop import release

        session = open_session(self.config(MAKER))
        venue = session.engine.venue
        result = self.time(name, lambda: loop(int(venue[0]["roi"]), int(venue[0]["backtest"])))
        release(venue)
        return result

    def guarded(self, name: str, class_path: str) -> None:
        """Run a strategy with everything on."""
        from trading_platform.backtest.engine import open_session, run_loop
        from trading_platform.eventlog.writer import EventLogWriter

        session = open_session(self.config(class_path), Path(__file__).parent)
        with tempfile.TemporaryDirectory() as folder, EventLogWriter(Path(folder) / "events.bin") as log:
            self.time(name, lambda: run_loop(session, log))
            events = log.events
        state = session.state
        if class_path == MAKER:
            self.facts = {
                "rows": session.data.facts.rows,
                "wakeups": int(state.session[0]["wakeup_count"]),
                "orders": int(state.session[0]["order_id_last"]),
                "fills": int(state.positions[0]["fill_count"]),
                "events": events,
            }
        if class_path in (MAKER, MAKER_CLASS):
            self.traded[name] = (int(state.positions[0]["fill_count"]), int(state.positions[0]["net_lots"]))

    def config(self, class_path: str) -> Any:
        """Return the config of a strategy that no limit stops."""
        return self.load(self.config_path, self.overrides | {"strategy.class_path": class_path})

    def median(self, name: str, clock: str = "cpu") -> float:
        """Return the median time of a loop [s]; the first repetition warms up and is left out."""
        return statistics.median(getattr(one, clock) for one in self.took[name][1:])

    def ratio(self, name: str, base: str, clock: str = "cpu") -> float:
        """Return the median of the ratios of neighbouring repetitions."""
        pairs = zip(self.took[name][1:], self.took[base][1:], strict=True)
        return statistics.median(getattr(one, clock) / getattr(other, clock) for one, other in pairs)


def measure(bench: Bench, repetitions: int) -> dict[str, Any]:
    """Run all loops in turn, ``repetitions`` times after the first."""
    from bench_loops import bare_replay, readme_maker, unguarded_maker
    from hftbacktest.binding import HashMapMarketDepthBacktest_, ROIVectorMarketDepthBacktest_

    instrument = bench.config(MAKER).instrument
    tick_size, lot_size = float(instrument.tick_size), float(instrument.lot_size)
    qty_lots = instrument.qty_to_lots(Decimal(PARAMS["order_qty"]))

    def unguarded(roi: int, backtest: int) -> Any:
        return unguarded_maker(roi, backtest, tick_size, lot_size, qty_lots)

    def readme(roi: int, backtest: int) -> int:
        hbt = (ROIVectorMarketDepthBacktest_ if roi else HashMapMarketDepthBacktest_)(backtest)
        return int(readme_maker(hbt, tick_size, qty_lots * lot_size))

    for _ in range(repetitions + 1):
        bench.bare("bare replay", bare_replay)
        counts = bench.bare("unguarded maker", unguarded)
        bench.traded["unguarded maker"] = (int(counts[3]), int(counts[4]))
        bench.guarded("compiled maker", MAKER)
        bench.bare("README-style maker", readme)
        bench.guarded("compiled idle", "bench_strategies:idle")
        bench.guarded("interpreted maker", MAKER_CLASS)
        bench.guarded("interpreted idle", "bench_strategies:Idle")
        bench.guarded("interpreted on touch", "bench_strategies:MakerOnTouch")
    if len(set(bench.traded.values())) != 1:
        raise SystemExit(f"the makers do not trade the same (fills, net lots): {bench.traded}")
    facts = bench.facts
    compiled = bench.median("compiled maker") - bench.median("compiled idle")
    interpreted = bench.median("interpreted maker") - bench.median("interpreted idle")
    return {
        "data": str(bench.config_path),
        **facts,
        "cpu_seconds": {name: bench.median(name) for name in bench.took},
        "wall_seconds": {name: bench.median(name, "wall") for name in bench.took},
        "guarded_over_unguarded": bench.ratio("compiled maker", "unguarded maker"),
        "guarded_over_unguarded_wall": bench.ratio("compiled maker", "unguarded maker", "wall"),
        "guarded_over_readme_loop": bench.ratio("compiled maker", "README-style maker"),
        "guarded_over_readme_loop_wall": bench.ratio("compiled maker", "README-style maker", "wall"),
        "interpreted_wakeups_per_s": facts["wakeups"] / bench.median("interpreted maker"),
        "interpreted_touch_rows_per_s": facts["rows"] / bench.median("interpreted on touch"),
        "us_per_order_event": compiled / facts["events"] * 1e6,
        "us_per_order_event_interpreted": interpreted / facts["events"] * 1e6,
    }


def finalise_us_per_event() -> Took:
    """Return what the tables and the summary of a long log take by event [us]: two tables at a time are written."""
    from trading_platform.backtest import engine
    from trading_platform.config.load import load_config
    from trading_platform.data.files import save_events
    from trading_platform.data.synth import synthesize

    took: list[Took] = []
    write_reports = engine._write_reports

    def timed(*arguments: Any) -> None:
        cpu, wall = time.process_time(), time.perf_counter()
        write_reports(*arguments)
        took.append(Took(time.process_time() - cpu, time.perf_counter() - wall))

    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "hour.npy"
        save_events(data, synthesize(1, START_NS, 3600 * 10**9))
        config = load_config(
            LOCAL, UNBOUND | {"strategy.class_path": MAKER, "engine.data_files": [str(data)]}
        )
        engine._write_reports = timed
        try:
            for number in range(3):
                run = Path(folder) / str(number)
                run.mkdir()
                events = engine.run_backtest(config, run)["log"]["events"]
        finally:
            engine._write_reports = write_reports
    cpu, wall = (statistics.median(getattr(one, clock) for one in took[1:]) for clock in ("cpu", "wall"))
    return Took(cpu / events * 1e6, wall / events * 1e6)


def start_seconds(cache: Path | None) -> float:
    """Return the wall time of ``run`` in a new process, to the finished record of 100 wakeups on bundled data."""
    with tempfile.TemporaryDirectory() as folder:
        environment = dict(os.environ) | ({"TRADING_PLATFORM_CACHE": str(cache)} if cache else {})
        environment.pop("PYTHONDONTWRITEBYTECODE", None)  # an installation has its bytecode
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


def memory(*rows: int) -> dict[str, float]:
    """Return memory and time per row over few rows, and over many, see bench_memory.py."""
    command = [sys.executable, str(ROOT / "scripts" / "bench_memory.py"), *map(str, rows)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def recording() -> Path | None:
    """Return the recording of BTCUSDT if it is there."""
    named = os.environ.get("TRADING_PLATFORM_DATA")
    path = (Path(named) if named else ROOT.parent / "shared" / "data") / RECORDING
    return path if path.is_file() else None


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--config", type=Path, help="default: the BTCUSDT recording if there is one")
    parser.add_argument("--repetitions", type=int, default=9)
    parser.add_argument("--json", action="store_true", help="print one JSON value and nothing else")
    parser.add_argument("--quick", action="store_true", help="leave out cold start and memory")
    parser.add_argument(
        "--memory", action="store_true", help="run over 50 million rows too: minutes, 4 GB of disk"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        result = measure(_bench(options.config, Path(folder)), options.repetitions)
    finalise = finalise_us_per_event()
    result["finalise_us_per_event"], result["finalise_us_per_event_cpu"] = finalise.wall, finalise.cpu
    start_seconds(None)
    result["warm_start_s"] = statistics.median(start_seconds(None) for _ in range(5))
    if not options.quick:
        with tempfile.TemporaryDirectory() as folder:
            result["cold_start_s"] = start_seconds(Path(folder))
        found = memory(FEW_ROWS, MANY_ROWS) if options.memory else memory(FEW_ROWS)
        result |= {name: value for name, value in found.items() if name.startswith(("rss_", "loop_time_"))}
    result["peak_rss_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    if not options.json:
        print(table(result))
    print(json.dumps(result, indent=2 if options.json else None))


def _bench(config: Path | None, folder: Path) -> Bench:
    """Return the market: the one that is named, the recording, or bundled data."""
    if config is not None:
        return Bench(config)
    if (ROOT / "data" / "binance-usdm" / "BTCUSDT").is_dir():
        return Bench(BINANCE)
    found = recording()
    if found is None:
        return Bench(LOCAL)
    from trading_platform.data.convert import convert

    convert("binance-usdm", [found], folder)
    return Bench(BINANCE, folder)


def table(result: dict[str, Any]) -> str:
    """Return the result for people."""
    lines = [
        f"{result['data']}: {result['rows']} rows, {result['wakeups']} wakeups, {result['orders']} orders, "
        f"{result['fills']} fills, {result['events']} events"
    ]
    for name, cpu in result["cpu_seconds"].items():
        wall, wakeup_ns = result["wall_seconds"][name], cpu / result["wakeups"] * 1e9
        lines.append(
            f"  {name:24} {cpu * 1e3:9.1f} ms CPU {wall * 1e3:9.1f} ms wall {wakeup_ns:9.0f} ns a wakeup"
        )
    lines += [f"  {name:34} {value:14.3f}" for name, value in result.items() if isinstance(value, float)]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
