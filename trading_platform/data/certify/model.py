"""The certificate of one file as a model: what is written is valid by it, and its JSON Schema is shipped."""

import json
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from .codes import Severity, Verdict

SCHEMA: Final = "trading-platform/certificate/1"
SCHEMA_ID: Final = "urn:trading-platform:schema:certificate:1"
SUFFIX: Final = ".certificate.json"


class _Closed(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)  # only what is used


class FileName(_Closed):
    """A file by name and content."""

    file: str = Field(description="name without directory")
    sha256: str = Field(description="SHA-256 of the file")
    rows: int = Field(ge=1)


class Place(_Closed):
    """Where a finding stands."""

    row: int = Field(ge=0, description="row of the file, from 0")
    time_ns: int = Field(
        description="UTC; exch_ts for what the venue lived, local_ts for what we received [ns]"
    )
    value: int = Field(description="the number behind it, in the finding's unit")


class Finding(_Closed):
    """One kind of finding: how often, where first, what it means."""

    code: str = Field(description="stable name")
    severity: Severity
    count: int = Field(ge=1, description="how many rows or moments")
    unit: str = Field(description="of the values of the places, empty without values")
    places: list[Place] = Field(description="the first ones; empty if the manifest told it")
    what: str = Field(description="the finding in words")
    effect: str = Field(description="what it does to a backtest")
    cure: str = Field(description="what can be done")


class Percentiles(_Closed):
    """Feed latency (local_ts - exch_ts) of all rows received [ns]; within 0.8 %, p0 and p100 exact."""

    p0: int
    p1: int
    p50: int
    p90: int
    p99: int
    p99_9: int
    p100: int


class BookFacts(_Closed):
    """The venue's book by time, from the moment it had both sides."""

    time_ns: int = Field(ge=0, description="time with a book [ns]")
    crossed_ns: int = Field(ge=0, description="of it with the best bid above the best ask [ns]")
    locked_ns: int = Field(ge=0, description="of it with the best bid at the best ask [ns]")
    one_sided_ns: int = Field(ge=0, description="of it without bids or without asks [ns]")
    changes: int = Field(ge=0, description="venue times at which it changed")


class Facts(_Closed):
    """What the file holds."""

    local_rows: int = Field(ge=0, description="rows that we received")
    exch_rows: int = Field(ge=0, description="rows that the venue lived")
    depth_rows: int = Field(ge=0, description="changes of the book, snapshots among them")
    trades: int = Field(ge=0, description="trades received")
    first_local_ns: int = Field(description="local_ts of the first row [ns]")
    last_local_ns: int = Field(description="largest local_ts of a row received [ns]")
    latency_ns: Percentiles | None = Field(description="absent if no row was received")
    clock_drift_ns_per_s: float | None = Field(
        description="slope of the smallest feed latency over time; absent if the file is too short to tell [ns/s]"
    )
    book: BookFacts


class Thresholds(_Closed):
    """From where on something is a finding. Those on silence are derived from the data."""

    gap_ns: int = Field(gt=0, description="silence of all rows that is a TIME_GAP [ns]")
    quiet_depth_ns: int = Field(
        gt=0, description="time without a change of the book that is QUIET_DEPTH [ns]"
    )
    quiet_trades_ns: int = Field(gt=0, description="time without a trade that is QUIET_TRADES [ns]")
    outside_ppm: int = Field(
        ge=0, description="distance from the touch that is TRADE_OUTSIDE [1e-6]; 10 ticks are always allowed"
    )
    jump_ppm: int = Field(gt=0, description="step of mid or trade price that is a PRICE_JUMP [1e-6]")
    stale_ns: int = Field(gt=0, description="time that a passed level stands before it is STALE_LEVEL [ns]")


class FileCertificate(_Closed):
    """What is wrong or odd in one file, as part of its stream."""

    schema_name: Literal["trading-platform/certificate/1"] = Field(alias="schema")
    verdict: Verdict = Field(description="errors or warnings if there is such a finding, else clean")
    file: FileName
    follows: FileName | None = Field(
        description="the file before it in the stream: its book and clocks went on into this one"
    )
    tick_size: str = Field(description="grid of prices it was judged by")
    lot_size: str = Field(description="grid of quantities it was judged by")
    thresholds: Thresholds
    facts: Facts
    findings: list[Finding] = Field(description="the gravest first")

    def count(self, severity: Severity) -> int:
        """Return how many kinds of findings have a severity."""
        return sum(finding.severity is severity for finding in self.findings)

    def to_json(self) -> bytes:
        """Return the certificate as a file holds it: sorted keys, no time of day, so equal input gives equal bytes."""
        content = self.model_dump(mode="json", by_alias=True)
        return (json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode()


def certificate_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a certificate."""
    schema = FileCertificate.model_json_schema(by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": SCHEMA_ID, **schema}


def write_certificate_schema(path: Path) -> None:
    """Write the schema that is shipped; a test compares it with the models."""
    path.write_text(json.dumps(certificate_schema(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
