"""The engine facade: one config becomes one finished run directory."""

import shutil
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

import numpy as np

from .._jit import COMPILED
from .._jit.sources import own_files
from ..config.load import Loaded, validate_params
from ..config.run import RunConfig, check_bounds, config_sha256
from ..core.bars.spec import BarGrid
from ..core.state import State, new_state
from ..eventlog.reader import open_log
from ..eventlog.writer import EventLogWriter
from ..metrics.execution import value_money
from ..model.enums import ReplacePolicy, Stop, Wake
from ..model.errors import (
    ConfigError,
    DataError,
    EngineError,
    EventLogError,
    OrderTransitionError,
    StrategyError,
    TradingPlatformError,
)
from ..model.ids import first_order_id
from ..model.instrument import Instrument
from ..record.clock import monotonic_seconds, utc_now_iso
from ..record.names import AUDIT_FILE, CONFIG_FILE, LOG_FILE, RUN_FILE, STATS_FILE, SUMMARY_FILE
from ..record.provenance import provenance, strategy_source
from ..record.run import FORMAT, write_json, write_run
from ..report.instrument_log import instrument_log
from ..report.stats import STATS_INTERVAL_NS, write_stats_npz
from ..report.summary import RunFacts, summarize
from ..runner.ledger import Ledger
from ..runner.loop import begin, end, release
from ..strategies.compiled import CompiledStrategy
from ..strategies.registry import AnyStrategy, load_strategy
from ..strategies.view import View
from ..venues.hftbacktest.assets import AssetSpec, Engine, build_engine
from ..venues.hftbacktest.returncodes import explain
from .io.market_data import MarketData, load_market_data

PAUSE_BLOCKS: Final = 1 << 17  # Python is entered at least this often: progress, Ctrl-C
BAR_TRADES: Final = (
    4096  # trades of one block that bars have room for, unless engine.trades_capacity has more
)
Progress = Callable[[int, int], None]  # (now_ns, last_ns)


@dataclass
class Session:
    """A run that is ready to go."""

    config: RunConfig
    data: MarketData
    strategy: AnyStrategy
    state: State
    engine: Engine


def open_session(config: RunConfig, search: Path | None = None) -> Session:
    """Load data and strategy, check everything that can be wrong, and build state and engine. Nothing is written.

    Raises
    ------
    ConfigError, DataError, EngineError : what is wrong, where, and what would be right
    """
    strategy = load_strategy(config.strategy.class_path, search)
    _load_loop(strategy)
    params = validate_params(strategy.Params, Loaded(config, {})).to_record(config.instrument)
    data = load_market_data(config)
    low_ticks, high_ticks = data.range_ticks
    check_bounds(config, high_ticks, low_ticks)
    state = _new_state(config, strategy, data, params)
    engine = build_engine([_asset_spec(config, strategy, data)])
    return Session(config, data, strategy, state, engine)


def _load_loop(strategy: AnyStrategy) -> None:
    """Compile the loop for this form of strategies, or load it. The other one stays away: that takes 0.1 s."""
    if isinstance(strategy, CompiledStrategy):
        from ..runner import compiled  # noqa: F401
    else:
        from ..runner import interpreted  # noqa: F401


def run_backtest(
    config: RunConfig, directory: Path, *, search: Path | None = None, progress: Progress | None = None
) -> dict[str, Any]:
    """Run a backtest into an existing, empty directory, and return the content of its ``run.json``.

    However it ends, the directory keeps the log up to there and a ``run.json`` that says how it ended
    (``status``: done, failed, interrupted). Errors are written there and raised; only a directory that holds a run
    already is left as it is.
    """
    for name in (RUN_FILE, LOG_FILE):
        if (directory / name).exists():
            raise EventLogError(
                f"{directory / name}: must not exist: a run is never overwritten; choose another directory"
            )
    record: dict[str, Any] = {
        "format": FORMAT,
        "run_id": directory.name,
        "status": "failed",
        "started": utc_now_iso(),
        "id": config.id,
        "scope": config.risk.scope,
        "config": config.resolved(),
        "config_sha256": config_sha256(config),
        "search": str(search) if search is not None else None,
    }
    write_json(directory / CONFIG_FILE, record["config"])
    try:
        record |= provenance()
        session = open_session(config, search)
        record["strategy"] = strategy_source(config.strategy.class_path)
        record["data"] = session.data.record()
        record |= session.data.latency_record()
        _run(session, directory, record, progress)
        record["status"] = "done"
    except KeyboardInterrupt as interrupt:
        record["status"] = "interrupted"
        record["error"] = str(interrupt) or "stopped by the user (Ctrl-C or SIGTERM)"
        _write_ended_by(interrupt, directory, record)
        raise
    except BaseException as error:
        record["error"] = f"{type(error).__name__}: {error}"
        if not isinstance(error, TradingPlatformError):
            record["traceback"] = traceback.format_exc()
        _write_ended_by(error, directory, record)
        raise
    record["finished"] = utc_now_iso()
    return write_run(directory, record)


def _write_ended_by(error: BaseException, directory: Path, record: dict[str, Any]) -> None:
    """Write the record of a run that ``error`` ended. If that fails too (a full disk), ``error`` is the one to tell."""
    record["finished"] = utc_now_iso()
    try:
        write_run(directory, record)
    except (OSError, EventLogError) as second:
        error.add_note(f"{directory / RUN_FILE}: cannot write the record: {second}")


def _run(session: Session, directory: Path, record: dict[str, Any], progress: Progress | None) -> None:
    """Drive the loop and write log, tables and summary; ``record`` gets what is known as soon as it is."""
    state = session.state
    started = monotonic_seconds()
    with EventLogWriter(directory / LOG_FILE) as log:
        try:
            with _open_audit(session, directory) as audit:
                stop = run_loop(session, log, progress, audit)
        finally:
            written = log.close()
            wall_seconds = monotonic_seconds() - started
            record["log"] = {"events": written.events, "checkpoints": list(written.checkpoints)}
            record["log_digest"] = written.digest
            record["wall_seconds"] = wall_seconds
            record["wakeups"] = int(state.session[0]["wakeup_count"])
            record["wakeups_per_second"] = record["wakeups"] / wall_seconds if wall_seconds else None
    facts = RunFacts(
        rows=session.data.facts.rows,
        wakeups=record["wakeups"],
        blocks=int(state.session[0]["block_count"]),
        wall_seconds=wall_seconds,
        noop_count=int(state.session[0]["noop_count"]),
        dropped_count=int(state.session[0]["dropped_count"]),
        first_ns=session.data.facts.first_local_ns,
        last_ns=int(state.session[0]["now_ns"]),
        max_drawdown_money=int(state.losses[0]["drawdown_money_max"]),
        digest=written.digest,
        sample_interval_ns=session.config.output.stats_interval_ns,
    )
    _write_reports(session, directory, record, facts)
    _judge(session, stop, record)


def run_loop(
    session: Session, log: EventLogWriter, progress: Progress | None = None, audit: IO[bytes] | None = None
) -> int:
    """Run a session to its end into an open log and free its engine. Returns the Stop.

    ``audit`` takes the audit stream (AUDIT records) if the session has one. At every flush the block is checked
    against the schema and the ledger is recomputed from the journal.
    """
    state, last_ns = session.state, session.data.facts.last_local_ns
    ledger = Ledger([session.config.instrument])

    def flush() -> None:
        count = int(state.session[0]["event_count"])
        block = state.events[:count]
        log.append(block)
        ledger.add(block)
        ledger.compare(state.positions)
        block.view(np.uint8).fill(0)
        state.session[0]["event_count"] = 0
        if audit is not None:
            _append_audit(audit, state)
        state.session[0]["pause_block"] = state.session[0]["block_count"] + PAUSE_BLOCKS
        if progress is not None:
            progress(int(state.session[0]["now_ns"]), last_ns)

    try:
        begin(state, session.data.facts.first_local_ns)
        stop = _loop(session, flush)
        end(state)
        flush()
    except EventLogError:
        raise  # the log itself is the trouble
    except BaseException:
        rest = state.events[: int(state.session[0]["event_count"])]
        with suppress(EventLogError):  # a half-written last event, say: the first error is the one to tell
            log.append(
                rest[rest["seq"] > log.last_seq]
            )  # what led to it; an interrupt can come within a flush
        raise
    finally:
        release(session.engine.venue)
    return stop


@contextmanager
def _open_audit(session: Session, directory: Path) -> Iterator[IO[bytes] | None]:
    if session.config.output.audit == "none":
        yield None
        return
    path = directory / AUDIT_FILE
    try:
        with path.open("xb") as audit:
            yield audit
    except OSError as error:  # on opening, or on closing: what is still in the buffer goes to disk then
        raise _audit_error(path, error) from error


def _append_audit(audit: IO[bytes], state: State) -> None:
    try:
        audit.write(state.audit[: state.session[0]["audit_count"]].tobytes())
    except OSError as error:
        raise _audit_error(Path(audit.name), error) from error
    state.session[0]["audit_count"] = 0


def _audit_error(path: Path, error: OSError) -> EventLogError:
    return EventLogError(
        f"{path}: cannot write the audit: {error.strerror}: free space on the disk and run again, "
        "or set output.audit none"
    )


def _loop(session: Session, flush: Callable[[], None]) -> int:
    strategy, state, venue = session.strategy, session.state, session.engine.venue
    if isinstance(strategy, CompiledStrategy):
        from ..runner.compiled import run_entry

        try:
            return run_entry(venue, state, strategy.entry, flush)
        except (TradingPlatformError, KeyboardInterrupt):
            raise
        except (Exception, SystemExit) as error:
            if not COMPILED:
                raise _strategy_error(error, session) from error
            raise StrategyError(
                f"{type(error).__name__} while compiled strategy {session.config.strategy.class_path} ran: {error} "
                f"at seq={int(state.session[0]['seq'])}; `run --debug` runs it as plain Python and stops at the line"
            ) from error
    from ..runner.interpreted import run_interpreted

    params = state.strategy[: strategy.Params.record_dtype().itemsize].view(strategy.Params.record_dtype())[0]
    try:
        instance = strategy(params, View(state))
        stop = run_interpreted(venue, state, instance, flush)
        instance.on_stop()
    except (TradingPlatformError, KeyboardInterrupt):
        raise
    except (Exception, SystemExit) as error:  # sys.exit would end the process with the code of its choice
        raise _strategy_error(error, session) from error
    return stop


def _strategy_error(error: BaseException, session: Session) -> StrategyError:
    frames = traceback.extract_tb(error.__traceback__)
    module = sys.modules[session.config.strategy.class_path.partition(":")[0]]
    own = set(map(str, own_files(Path(module.__file__ or ""))))
    inside = [frame for frame in frames if frame.filename in own]
    place = inside[-1] if inside else frames[-1]
    return StrategyError(
        f"{type(error).__name__} in strategy {session.config.strategy.class_path}: {error} "
        f"({place.filename}:{place.lineno} in {place.name}) at seq={int(session.state.session[0]['seq'])}"
    )


def _write_reports(session: Session, directory: Path, record: dict[str, Any], facts: RunFacts) -> None:
    from polars.exceptions import PolarsError  # polars: 0.2 s, after the run

    from ..report.parquet import write_audit_parquet, write_parquet

    events, instrument = open_log(directory / LOG_FILE).events, session.config.instrument
    interval_ns = facts.sample_interval_ns or STATS_INTERVAL_NS

    def write_figures() -> None:
        log = instrument_log(events)
        record["summary"] = summarize(log, instrument, facts)
        write_json(directory / SUMMARY_FILE, record["summary"])
        write_stats_npz(directory / STATS_FILE, log, instrument, interval_ns)

    try:
        write_parquet(events, [instrument], directory, write_figures)
        if session.config.output.audit == "all":
            write_audit_parquet(directory / AUDIT_FILE, [instrument])
    except (OSError, PolarsError) as error:  # a full disk: polars tells it as a fault of its encoder
        # whole or not: the record of the failure needs the room
        (directory / STATS_FILE).unlink(missing_ok=True)
        free_bytes = shutil.disk_usage(directory).free
        raise EventLogError(
            f"{directory}: the log is whole, but its tables cannot be written: {error} ({free_bytes:,} bytes are "
            "free on the disk): free space and run again"
        ) from error


def _judge(session: Session, stop: int, record: dict[str, Any]) -> None:
    """Raise if the loop stopped for any reason but the end of data or of the configured number of wakeups."""
    session_record, config = session.state.session[0], session.config
    detail, order_id = int(session_record["stop_detail"]), int(session_record["stop_order_id"])
    at = f"at seq={int(session_record['seq'])}"
    record["stop"] = Stop(stop).name
    match stop:
        case Stop.END_OF_DATA | Stop.MAX_WAKEUPS:
            if not record["wakeups"]:
                raise DataError(_never_called(session))
            anomalies = record["summary"]["anomalies"]
            if anomalies["total"] and config.engine.on_anomaly == "fail":
                raise OrderTransitionError(
                    f"{anomalies['total']} reports that the order tables call impossible {anomalies['by_code']}: see "
                    "the ANOMALY events of the log; with engine.on_anomaly halt trading stops but the run goes on"
                )
        case Stop.ENGINE_ERROR:
            raise EngineError(f"{explain(detail)} {at} (order {order_id or 'none'})")
        case Stop.COMMAND_REFUSED:
            raise EngineError(f"{explain(detail)} to a command for order {order_id} {at}")
        case Stop.LIVELOCK:
            raise EngineError(f"a wake that was due at {detail} ns made no progress twice {at}")
        case Stop.BOOK_OUT_OF_RANGE:
            low, high = session.data.range_ticks
            tick = session.config.instrument.tick_size
            raise EngineError(
                f"the book has no bid or no ask between {low * tick} and {high * tick} {at}: the market left the "
                "range of the ROI depth; widen engine.depth or use kind hashmap"
            )
        case Stop.BAD_FILL_PRICE:
            raise EngineError(
                f"order {order_id} was filled at {detail} ticks, outside the book's range, {at}"
            )
        case Stop.TRADES_FULL:
            raise DataError(
                f"a block may have at most {int(session_record['trades_capacity'])} market trades for bars, had "
                f"{detail} {at}: raise engine.trades_capacity"
            )
        case Stop.BAD_TRADE:
            raise DataError(
                f"a market trade must have a quantity > 0, and price * quantity below 2^61 tick-lots for bars, was at "
                f"{detail} ticks {at}: coarsen instrument.lot_size"
            )
        case Stop.INTENTS_FULL:
            raise StrategyError(
                f"a strategy may append at most {len(session.state.intents)} intents per wakeup, "
                f"appended {detail} {at}: raise levels_per_side or ask for less"
            )
        case Stop.BAD_INTENT:
            per_side = int(session_record["levels_per_side"])
            raise StrategyError(
                f"intent {detail} of the wakeup names a kind or a slot that does not exist {at}: "
                f"levels are 0 to {per_side - 1}, sides 1 and -1"
            )
        case _:
            raise StrategyError(f"the run stopped with {Stop(stop).name} ({detail}) {at}")


def _never_called(session: Session) -> str:
    """Say why no wakeup came: it takes a block in which the book has both sides."""
    engine, tick = session.config.engine, session.config.instrument.tick_size
    where, cure = "", "convert the recording again, or begin with a snapshot (engine.initial_snapshot)"
    if session.data.roi_ticks is not None:
        low, high = session.data.roi_ticks
        where = f" between {low * tick} and {high * tick} ({engine.depth.kind} depth)"
        cure = f"use engine.depth of kind hashmap, or {cure}"
    return (
        f"{', '.join(engine.data_names())}: the book must have a bid and an ask at once{where}, never had: "
        f"the strategy was not called; {cure}"
    )


def _new_state(config: RunConfig, strategy: AnyStrategy, data: MarketData, params: np.void) -> State:
    engine, instrument = config.engine, config.instrument
    state = new_state(
        levels_per_side=strategy.levels_per_side,
        book_levels=max(engine.book_levels, strategy.book_levels),
        trades_capacity=_trades_capacity(config, strategy),
        bars=_bar_series(config, strategy),
        audit=config.output.audit == "all",
        resyncs=[(at_ns, 0) for at_ns in data.resyncs_ns],
    )
    session, (low, high) = state.session[0], data.range_ticks
    record = instrument.to_record(low, high, engine.taker_sweeps)
    collar_e9 = int(config.risk.venue_policy.market_collar * 10**9)
    record["order_min_ticks"] = max(1, low * (10**9 - collar_e9) // 10**9)
    record["order_max_ticks"] = high * (10**9 + collar_e9) // 10**9 + 1
    state.instruments[0] = record
    state.limits[0] = config.risk.to_record(instrument)
    state.throttles[:] = config.risk.throttle_records()
    state.strategy[: params.nbytes] = np.frombuffer(params.tobytes(), np.uint8)
    session["order_id_last"] = first_order_id(engine.session_epoch)
    session["replace_policy"] = ReplacePolicy[engine.replace_policy.upper()]
    session["ack_timeout_ns"] = engine.ack_timeout_ns
    session["wakeups_max"] = engine.max_wakeups or 0
    session["wake_mask"] = int(strategy.wake | Wake.START)
    session["interval_ns"] = strategy.interval_ns
    session["journal_touch"] = config.output.journal_touch
    if config.output.stats_interval_ns:
        session["sample_interval_ns"], session["next_sample_ns"] = config.output.stats_interval_ns, 0
    session["pause_block"] = PAUSE_BLOCKS
    _open_position(state, instrument, engine.opening_lots, engine.opening_ticks)
    return state


def _bar_series(config: RunConfig, strategy: AnyStrategy) -> list[np.void]:
    """Return the BUILDER records of the bars that the strategy declares, or the config in their place."""
    given = config.strategy.bars
    if given is not None and len(given) != len(strategy.bars):
        raise ConfigError(
            f"strategy.bars must have as many series as {config.strategy.class_path} declares, {len(strategy.bars)}, "
            f"had {len(given)}"
        )
    specs = strategy.bars if given is None else [bars.to_spec() for bars in given]
    grid = BarGrid.of(config.instrument)
    return [spec.to_record(grid, f"strategy.bars[{index}]") for index, spec in enumerate(specs)]


def _trades_capacity(config: RunConfig, strategy: AnyStrategy) -> int:
    """Return how many market trades of a block are copied: what is asked for, and all that bars need."""
    asked = max(config.engine.trades_capacity, strategy.trades_capacity)
    return max(asked, BAR_TRADES) if strategy.bars else asked


def _open_position(state: State, instrument: Instrument, lots: int, price_ticks: int) -> None:
    """Carry a position in at its price: no fee, no fill."""
    position = state.positions[0]
    position["net_lots"] = lots
    if lots and instrument.inverse:
        position["cash_money"] = value_money(np.array([lots]), np.array([2 * price_ticks]), instrument)[0]
    else:
        position["cash_ticklots"] = -lots * price_ticks


def _asset_spec(config: RunConfig, strategy: AnyStrategy, data: MarketData) -> AssetSpec:
    engine = config.engine
    queue = engine.queue_model
    entry_ns, response_ns = engine.latency.constant_ns or data.last_latency_ns()
    return AssetSpec(
        instrument=config.instrument,
        data=data.arrays,
        snapshot=data.snapshot,
        entry_ns=entry_ns,
        response_ns=response_ns,
        latencies=data.latencies,
        queue_model=queue.kind,
        queue_exponent=queue.power if queue.kind.startswith("power") else None,
        partial_fill=engine.exchange_model == "partial_fill",
        roi_ticks=data.roi_ticks,
        trades_capacity=_trades_capacity(config, strategy),
    )
