"""Where a run is written, and what beyond the record."""

from decimal import Decimal
from typing import Final, Literal, Self

from pydantic import Field, model_validator

from ..model.units import seconds_to_ns
from .fields import Id, Problem, SecondsOrOff, Section, raise_problems

RUNS: Final = "runs"
NEWEST: Final = "last"  # what the command line calls the newest run


class OutputConfig(Section):
    """The run directory."""

    directory: str = Field(
        default=RUNS,
        min_length=1,
        description="parent of run directories; relative to the config file",
        examples=["runs"],
    )
    stats_interval_seconds: SecondsOrOff = Field(
        default=Decimal(1),
        description="sample equity and position this often [s]; 0: at the end only",
        examples=[1, 0.1],
    )
    journal_touch: bool = Field(default=False, description="journal every change of best bid and ask: large")
    audit: Literal["none", "all"] = Field(
        default="none",
        description="all: record observed value, limit and headroom of every look at a limit (audit.parquet): large",
    )
    run_id: Id | None = Field(
        default=None,
        description="name of the run directory; made from id and time if left out",
        examples=["night-1"],
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.run_id == NEWEST:
            text = 'must be another name: on the command line "last" means the newest run'
            raise_problems([Problem("run_id", text)])
        return self

    @property
    def stats_interval_ns(self) -> int:
        """Sampling interval [ns], 0 off."""
        return seconds_to_ns(self.stats_interval_seconds, "stats_interval_seconds")
