"""One run directory opened for reading, finished or not."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pydantic import ValidationError

from ...config.instrument import FeesConfig, InstrumentConfig
from ...eventlog.export import LogNames
from ...eventlog.reader import LogView, open_log
from ...model.errors import EventLogError
from ...model.instrument import Instrument
from ...record.names import CONFIG_FILE, LOG_FILE, RUN_FILE
from ...record.run import read_run

if TYPE_CHECKING:
    import polars as pl

ORDERS_FILE: Final = "orders.parquet"


@dataclass(frozen=True)
class RunLog:
    """The log of a run and what it takes to read it.

    Attributes
    ----------
    record : the content of ``run.json``; None if the run is unfinished
    config : resolved; of an unfinished run from the file that was written first
    log : all whole events that were written
    """

    directory: Path
    record: dict[str, Any] | None
    config: dict[str, Any]
    instrument: Instrument
    log: LogView

    @property
    def names(self) -> LogNames:
        """Names behind the indices of the log."""
        return LogNames((self.instrument.name,), ("0",), (self.config["id"],))

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
    EventLogError : no log, a damaged record, or a config whose instrument cannot be read
    """
    record = read_run(directory) if (directory / RUN_FILE).is_file() else None
    if not (directory / LOG_FILE).is_file():
        why = f": the run {record['status']}, {record.get('error')}" if record is not None else ""
        raise EventLogError(f"{directory}: has no {LOG_FILE}, nothing happened in this run{why}")
    config = _config(directory) if record is None else record["config"]
    return RunLog(directory, record, config, _instrument(config, directory), open_log(directory / LOG_FILE))


def _config(directory: Path) -> dict[str, Any]:
    path = directory / CONFIG_FILE
    try:
        config: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise EventLogError(f"{path}: must be the config of the unfinished run: {error}") from error
    return config


def _instrument(config: dict[str, Any], directory: Path) -> Instrument:
    try:
        engine = config["engine"]
        fees = FeesConfig.model_validate(engine["fees"])
        return InstrumentConfig.model_validate(engine["instrument"]).to_instrument(fees)
    except (KeyError, TypeError, ValidationError) as error:
        raise EventLogError(
            f"{directory}: engine in the run's config must have the instrument and its fees: {error}"
        ) from error
