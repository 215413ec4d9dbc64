"""The content of ``run.json`` as a model: what is written is valid by it, and its JSON Schema is shipped."""

import json
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

SCHEMA_ID: Final = "urn:trading-platform:schema:run:1"


class _Closed(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)  # only what is used


class Log(_Closed):
    """The event log of the run."""

    events: int = Field(ge=0, description="records in events.bin")
    checkpoints: list[str] = Field(description="BLAKE3-256 so far after every 65,536 records")


class FindingKinds(_Closed):
    """Kinds of findings of a certificate by severity."""

    info: int = Field(ge=0)
    warning: int = Field(ge=0)
    error: int = Field(ge=0)


class DataCertificate(_Closed):
    """What the certificate beside a data file said when the run began."""

    verdict: Literal["clean", "warnings", "errors", "uncertified", "stale"] = Field(
        description="uncertified: there was none; stale: it was about other content"
    )
    certificate_sha256: str | None = Field(description="SHA-256 of the certificate, null without one")
    findings: FindingKinds


class StartBook(_Closed):
    """The book at the start of a range, built from the files of use "book"."""

    levels: int = Field(ge=0, description="of both sides of our book")
    corrections: int = Field(ge=0, description="rows that turn our book into the venue's")
    rows_sha256: str = Field(description="SHA-256 of the rows of both")


class DataFile(_Closed):
    """One file of market data; of a range also which of its rows were used, and for what."""

    path: str
    sha256: str
    rows: int = Field(ge=1)
    certificate: DataCertificate | None = Field(
        default=None, description="absent in records of earlier versions"
    )
    use: Literal["replay", "book"] | None = Field(
        default=None, description="of a range: replayed, or built into the book at the start"
    )
    first_row: int | None = Field(default=None, ge=0, description="first row used")
    end_row: int | None = Field(default=None, ge=0, description="end of the rows used, not included")
    start_book: StartBook | None = Field(default=None, description="with the first file that is replayed")


class LatencyFile(_Closed):
    """The file of order latencies."""

    path: str
    sha256: str
    rows: int = Field(ge=1)


class StrategySource(_Closed):
    """The files that define the strategy."""

    class_path: str
    files: list[str] = Field(
        description="names of the strategy's module and of what it imports of its own project"
    )
    sha256: str = Field(description="over names and contents of the files")


class RunRecord(_Closed):
    """How a run was made and how it ended. Fields that a run did not get to are absent."""

    format: Literal[1] = Field(description="version of this record")
    run_id: str = Field(description="name of the run directory")
    status: Literal["done", "failed", "interrupted"] = Field(description="how the run ended")
    started: str | None = Field(default=None, description="wall clock, UTC, ISO 8601")
    finished: str | None = Field(default=None, description="wall clock, UTC, ISO 8601")
    error: str | None = Field(default=None, description="why it did not end well")
    traceback: str | None = Field(default=None, description="of an error that is none of this package's own")
    id: str | None = Field(default=None, description="id of the config")
    scope: str | None = Field(default=None, description="risk scope of the config")
    config: dict[str, Any] = Field(description="resolved config; running it again gives the same log")
    config_sha256: str | None = None
    search: str | None = Field(default=None, description="directory in which strategy modules were looked up")
    versions: dict[str, str] = Field(
        default_factory=dict, description="of this package, Python and what computes"
    )
    platform: dict[str, Any] = Field(default_factory=dict, description="machine, system, libm, CPU level")
    git: dict[str, Any] | None = Field(
        default=None, description="commit and dirtiness of the working directory"
    )
    source_sha256: str | None = Field(default=None, description="over all source files of this package")
    strategy: StrategySource | None = None
    data: list[DataFile] | None = None
    latency: LatencyFile | None = Field(
        default=None, description="order latencies of kind interpolated; absent for constant ones"
    )
    stop: str | None = Field(default=None, description="why the loop ended")
    log: Log | None = None
    log_digest: str | None = Field(default=None, description="BLAKE3-256 over all records of events.bin")
    wall_seconds: float | None = Field(default=None, description="of the loop [s]")
    wakeups: int | None = Field(default=None, description="calls of the strategy")
    wakeups_per_second: float | None = None
    summary: dict[str, Any] | None = Field(default=None, description="the content of summary.json")
    files: dict[str, str] = Field(
        default_factory=dict,
        description="SHA-256 of each other file of the directory; events.bin has log_digest, notes.json none",
    )
    record_sha256: str | None = Field(
        default=None, description="SHA-256 of this file before this field, which is the last"
    )


def run_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of run.json."""
    schema = RunRecord.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": SCHEMA_ID, **schema}


def write_run_schema(path: Path) -> None:
    """Write the schema that is shipped; a test compares it with the models."""
    path.write_text(json.dumps(run_schema(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
