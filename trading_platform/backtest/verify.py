"""Re-execute a run from its record and compare: same config, data, code and versions give the same bytes."""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..data.files import file_sha256
from ..eventlog.diff import first_difference
from ..eventlog.reader import open_log, verify_log
from ..model.errors import DataError, EventLogError
from ..record.names import LOG_FILE
from ..record.provenance import provenance
from ..record.run import read_run
from ..record.seal import check_files
from .runtime.display import Display
from .runtime.parent import run_in_child


@dataclass(frozen=True)
class Verification:
    """What came out: ``same`` digests, what differs in the surroundings, and the first event that differs."""

    same: bool
    recorded_digest: str
    digest: str | None
    changes: tuple[str, ...]
    difference: str


def verify_run(run: Path, *, display: Display | None = None) -> Verification:
    """Check each file of a run against its record, execute the run again, and compare.

    Raises
    ------
    EventLogError : no finished record, or a file that is not as the run wrote it
    DataError : a data file is missing or not the one that was used
    KeyboardInterrupt : the user stopped it
    """
    record = read_run(run)
    check_files(run)
    if record["status"] != "done":
        raise EventLogError(
            f"{run}: status must be done to be verified, was {record['status']}: {record.get('error')}"
        )
    verify_log(run / LOG_FILE, record["log_digest"], record["log"]["checkpoints"])
    for entry in (*record["data"], *([record["latency"]] if "latency" in record else [])):
        _check_data(entry)
    with tempfile.TemporaryDirectory(prefix="trading-platform-verify-") as scratch:
        again = Path(scratch) / "run"
        again.mkdir()
        search = Path(record["search"]) if record["search"] else None
        outcome = run_in_child(record["config"], again, search=search, display=display)
        if outcome.status == "interrupted":
            raise KeyboardInterrupt
        changes = _changes(record, again)
        if outcome.status != "done":
            raise EventLogError(
                f"{run}: could not be executed again, so nothing is known about it: {outcome.error}"
                + "".join(f"\nchanged: {change}" for change in changes)
            )
        digest = read_run(again)["log_digest"]
        difference = ""
        if digest != record["log_digest"]:
            found = first_difference(open_log(run / LOG_FILE).events, open_log(again / LOG_FILE).events)
            difference = found.text if found is not None else "the logs are equal: the record is wrong"
        return Verification(digest == record["log_digest"], record["log_digest"], digest, changes, difference)


def _check_data(entry: dict[str, Any]) -> None:
    path = Path(entry["path"])
    if not path.is_file():
        raise DataError(f"{path}: must be the file of the run (sha256 {entry['sha256'][:16]}), is absent")
    actual = file_sha256(path)
    if actual != entry["sha256"]:
        raise DataError(
            f"{path}: sha256 must be {entry['sha256']}, was {actual}: the data changed since the run"
        )


def _changes(record: dict[str, Any], again: Path) -> tuple[str, ...]:
    """Name what differs between then and now besides config and data."""
    now = provenance()
    changes = [
        f"{name}: {then} then, {now['versions'].get(name)} now"
        for name, then in record["versions"].items()
        if now["versions"].get(name) != then
    ]
    if now["source_sha256"] != record.get("source_sha256"):
        changes.append(_source_change("trading_platform", record.get("source_sha256"), now["source_sha256"]))
    if now["platform"] != record["platform"]:
        changes.append(f"platform: {record['platform']} then, {now['platform']} now")
    executed = read_run(again)
    then_used, now_used = _used(record["data"]), _used(executed.get("data") or [])
    if (
        now_used and now_used != then_used
    ):  # files joined the catalogue: the book at the start is built from others
        changes.append(f"data: {then_used} then, {now_used} now")
    strategy = executed.get("strategy")
    if strategy is not None and strategy["sha256"] != record["strategy"]["sha256"]:
        changes.append(_source_change("strategy", record["strategy"]["sha256"], strategy["sha256"]))
    return tuple(changes)


def _used(entries: list[dict[str, Any]]) -> str:
    """Name the files of a record; those of a range with the rows that were used of them."""
    return ", ".join(
        f"{entry['path']} ({entry['use']} {entry['first_row']} to {entry['end_row']})"
        if entry.get("use")
        else entry["path"]
        for entry in entries
    )


def _source_change(whose: str, then: str | None, now: str) -> str:
    return f"{whose} source: {then[:16] if then else 'not recorded'} then, {now[:16]} now"
