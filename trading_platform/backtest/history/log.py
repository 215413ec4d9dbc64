"""One run directory opened for reading, finished or not."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pydantic import ValidationError

from ...config.instrument import FeesConfig, InstrumentConfig
from ...eventlog.export import LogNames
from ...eventlog.reader import LogView, open_log
from ...model.errors import EventLogError
from ...model.instrument import Instrument
from ...report.units import RAW
from ...runner.record import LOG_FILE, RUN_FILE, read_run

if TYPE_CHECKING:
    import polars as pl

ORDERS_FILE: Final = "orders.parquet"


@dataclass(frozen=True)
class RunLog:
    """The log of a run and what it takes to read it.

    Attributes
    ----------
    record : the content of ``run.json``; None if the run is unfinished
    instrument : of the run; ``report.units.RAW`` if it is unfinished: its log counts in ticks and lots
    log : all whole events that were written
    """

    directory: Path
    record: dict[str, Any] | None
    instrument: Instrument
    log: LogView

    @property
    def names(self) -> LogNames:
        """Names behind the indices of the log."""
        strategy = self.record["config"]["id"] if self.record is not None else "unknown"
        return LogNames((self.instrument.name,), ("0",), (strategy,))

    def orders(self) -> "pl.DataFrame":
        """Return the table of orders: the file of a run that wrote it, else made from the log."""
        import polars as pl

        from ...report.orders import orders_frame

        path = self.directory / ORDERS_FILE
        if path.is_file():
            return pl.read_parquet(path)
        return orders_frame(self.log.events, [self.instrument])


def open_run_log(directory: Path) -> RunLog:
    """Open a run's log, and its record if it has one.

    Raises
    ------
    EventLogError : no log, a damaged record, or a record whose instrument cannot be read
    """
    record = read_run(directory) if (directory / RUN_FILE).is_file() else None
    if not (directory / LOG_FILE).is_file():
        why = f": the run {record['status']}, {record.get('error')}" if record is not None else ""
        raise EventLogError(f"{directory}: has no {LOG_FILE}, nothing happened in this run{why}")
    instrument = RAW if record is None else _instrument(record, directory)
    return RunLog(directory, record, instrument, open_log(directory / LOG_FILE))


def _instrument(record: dict[str, Any], directory: Path) -> Instrument:
    try:
        engine = record["config"]["engine"]
        fees = FeesConfig.model_validate(engine["fees"])
        return InstrumentConfig.model_validate(engine["instrument"]).to_instrument(fees)
    except (KeyError, TypeError, ValidationError) as error:
        raise EventLogError(
            f"{directory / RUN_FILE}: config.engine must have the instrument and its fees: {error}"
        ) from error
