"""What can be asked of the index: which runs, in which order. Texts become SQL here, by tables only."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from .files import STATUSES, RunsError, encodable, is_encodable

# number of a run -> where it stands in run.json
METRICS: Final[Mapping[str, tuple[str, ...]]] = {
    "orders": ("summary", "orders", "sent"),
    "denied": ("summary", "orders", "denied", "total"),
    "queued": ("summary", "orders", "queued", "total"),
    "replaced": ("summary", "orders", "replaced"),
    "canceled": ("summary", "orders", "canceled"),
    "expired": ("summary", "orders", "expired"),
    "rejected": ("summary", "orders", "rejected"),
    "fills": ("summary", "fills", "count"),
    "maker_share": ("summary", "fills", "maker_share"),
    "volume_base": ("summary", "fills", "volume_base"),
    "volume_quote": ("summary", "fills", "volume_quote"),
    "net": ("summary", "pnl", "net"),
    "gross": ("summary", "pnl", "gross"),
    "fees": ("summary", "pnl", "fees"),
    "max_drawdown": ("summary", "pnl", "max_drawdown"),
    "return_on_max_position": ("summary", "pnl", "return_on_max_position"),
    "final_position": ("summary", "position", "final_qty"),
    "max_position": ("summary", "position", "max_abs_qty"),
    "max_notional": ("summary", "position", "max_notional"),
    "sharpe_annualised": ("summary", "ratios", "sharpe_annualised_365d"),
    "sortino_annualised": ("summary", "ratios", "sortino_annualised_365d"),
    "anomalies": ("summary", "anomalies", "total"),
    "halts": ("summary", "halts"),
    "market_seconds": ("summary", "period", "seconds"),
    "rows": ("summary", "run", "rows"),
    "events": ("log", "events"),
    "wakeups": ("wakeups",),
    "wakeups_per_second": ("wakeups_per_second",),
    "wall_seconds": ("wall_seconds",),
}
TEXTS: Final = ("run", "status", "config", "scope", "strategy", "instrument", "currency", "error", "note")
TIMES: Final = ("started_ns", "finished_ns")
SORTS: Final[Mapping[str, str]] = {
    **{name: name for name in ("run", "status", "config", "strategy", "instrument")},
    "started": "started_ns",
    "finished": "finished_ns",
    **{name: name for name in METRICS},
}
_CONDITION: Final = re.compile(r"\s*([a-z_]+)\s*(<=|>=|!=|=|<|>)\s*(\S+)\s*")


class Condition(NamedTuple):
    """A number of a run compared with a constant. A run that has no such number does not meet it."""

    metric: str
    operator: str
    value: float


def parse_condition(text: str) -> Condition:
    """Return what a text such as ``net>0`` or ``orders >= 100`` asks.

    Raises
    ------
    RunsError : no comparison, no such number of a run, or no number on the right
    """
    found = _CONDITION.fullmatch(text)
    if found is None:
        raise RunsError(f"--where must be a comparison such as 'net>0' or 'orders>=100', was {text!r}")
    metric, operator, value = found.groups()
    if metric not in METRICS:
        raise RunsError(f"--where must compare one of {', '.join(METRICS)}, was {metric!r}")
    try:
        number = float(value.replace("_", ""))
    except ValueError:
        number = float("nan")
    if number != number or number in (float("inf"), -float("inf")):  # noqa: PLR0124 (nan)
        raise RunsError(f"--where {metric} must be compared with a number, was {value!r}")
    return Condition(metric, operator, number)


@dataclass(frozen=True)
class RunsQuery:
    """Which runs are wanted. Empty and None mean all.

    Attributes
    ----------
    statuses : of files.STATUSES
    strategy, instrument : parts of the name, upper and lower case alike
    tags : all of them
    since_ns, until_ns : [ns] since <= start < until
    where : all of them
    sort : a key of SORTS, "-" before it for the highest first; runs without that value come last
    limit : rows, 0 all
    """

    statuses: tuple[str, ...] = ()
    strategy: str = ""
    instrument: str = ""
    tags: tuple[str, ...] = ()
    since_ns: int | None = None
    until_ns: int | None = None
    where: tuple[Condition, ...] = ()
    sort: str = "-started"
    limit: int = 0

    def __post_init__(self) -> None:
        """Refuse what no table knows."""
        for status in self.statuses:
            if status not in STATUSES:
                raise RunsError(f"--status must be one of {', '.join(STATUSES)}, was {status}")
        if self.sort.removeprefix("-") not in SORTS:
            raise RunsError(
                f'--sort must be one of {", ".join(SORTS)}, with "-" before it or not, was {self.sort}'
            )
        for option, texts in (
            ("--strategy", (self.strategy,)),
            ("--instrument", (self.instrument,)),
            ("--tag", self.tags),
        ):
            for text in texts:
                if not is_encodable(text):
                    raise RunsError(f"{option} must be text in UTF-8, was {encodable(text)}")

    def conditions(self) -> tuple[str, list[str | int | float]]:
        """Return the WHERE clause and its parameters: names come from tables, values are parameters."""
        clauses = ["1"]
        values: list[str | int | float] = []
        if self.statuses:
            clauses.append(f"status IN ({', '.join('?' * len(self.statuses))})")
            values += self.statuses
        for column, part in (("strategy", self.strategy), ("instrument", self.instrument)):
            if part:
                clauses.append(f"instr(lower({column}), lower(?)) > 0")
                values.append(part)
        for tag in self.tags:
            clauses.append("run IN (SELECT run FROM tags WHERE tag = ?)")
            values.append(tag)
        for operator, ns in ((">=", self.since_ns), ("<", self.until_ns)):
            if ns is not None:
                clauses.append(f"started_ns {operator} ?")
                values.append(ns)
        for metric, operator, value in self.where:
            clauses.append(f"{metric} {operator} ?")
            values.append(value)
        return " AND ".join(clauses), values

    def order(self) -> str:
        """Return the ORDER BY clause."""
        column = SORTS[self.sort.removeprefix("-")]
        return f"{column} IS NULL, {column} {'DESC' if self.sort.startswith('-') else 'ASC'}, run DESC"
