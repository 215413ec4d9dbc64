"""What a run found: kept mutant by mutant, summed up at the end."""

import hashlib
import json
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from .mutants import Mutant
from .trial import CORE, ROOT, Outcome, Verdict

REASONS: Final = Path(__file__).with_name("equivalent.toml")
RATE_MIN: Final = 0.9


@dataclass(frozen=True)
class Result:
    """One mutant and what became of it."""

    mutant: Mutant
    outcome: Outcome
    reason: str  # why no test can tell it from the code; empty: none is known

    @property
    def survived(self) -> bool:
        """Tell whether no test failed."""
        return self.outcome.verdict == Verdict.SURVIVED


class Reasons:
    """Why some mutants are the same program: written down in equivalent.toml, by the lines they change."""

    def __init__(self) -> None:
        """Read the file."""
        entries = tomllib.loads(REASONS.read_text(encoding="utf-8"))["equivalent"]
        self._reasons = {_place(entry): str(entry["reason"]) for entry in entries}
        self._used: set[tuple[str, str, str, str]] = set()

    def of(self, mutant: Mutant) -> str:
        """Return the reason of a mutant, or an empty string."""
        place = (mutant.module, mutant.function, mutant.before, mutant.after)
        if place in self._reasons:
            self._used.add(place)
        return self._reasons.get(place, "")

    def unused(self, modules: Iterable[str]) -> list[str]:
        """Return the entries of these modules that no mutant had: they are out of date."""
        names = set(modules)
        return [
            f"{module} {function}: `{before}` -> `{after}`"
            for module, function, before, after in self._reasons
            if module in names and (module, function, before, after) not in self._used
        ]


class Log:
    """One line of JSON for each mutant that was tried, appended: an interrupted run loses nothing."""

    def __init__(self, path: Path, resume: bool) -> None:
        """Open it; without ``resume`` it starts anew. Killed mutants of the same sources are taken over."""
        self._path = path
        self._sources = _sources()
        self._killed: dict[str, Outcome] = {}
        path.parent.mkdir(parents=True, exist_ok=True)
        if resume and path.is_file():
            for line in path.read_text(encoding="utf-8").splitlines():
                entry = json.loads(line)
                if entry["sources"] == self._sources and entry["verdict"] != Verdict.SURVIVED:
                    self._killed[entry["key"]] = Outcome(
                        Verdict(entry["verdict"]), entry["by"], entry["seconds"]
                    )
        else:
            path.write_text("", encoding="utf-8")

    def killed(self, mutant: Mutant) -> Outcome | None:
        """Return the outcome of an earlier run if it found the mutant out."""
        return self._killed.get(mutant.key)

    def append(self, mutant: Mutant, outcome: Outcome) -> None:
        """Write one outcome down."""
        entry = as_json(mutant, outcome) | {"key": mutant.key, "sources": self._sources}
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")


def as_json(mutant: Mutant, outcome: Outcome) -> dict[str, Any]:
    """Return a mutant and its outcome without its source."""
    return {
        "module": mutant.module,
        "function": mutant.function,
        "line": mutant.line,
        "operator": mutant.operator,
        "before": mutant.before,
        "after": mutant.after,
        "verdict": str(outcome.verdict),
        "by": outcome.by,
        "seconds": round(outcome.seconds, 2),
    }


def write_report(directory: Path, results: Sequence[Result]) -> str:
    """Write report.json and report.md, and return the table of rates."""
    rows = [as_json(result.mutant, result.outcome) | {"reason": result.reason} for result in results]
    (directory / "report.json").write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    table = _table(results)
    lines = ["# Mutation test", "", table, ""]
    for title, chosen in (
        ("Survivors that no test can find out", [r for r in results if r.survived and r.reason]),
        ("Survivors without a reason", [r for r in results if r.survived and not r.reason]),
    ):
        lines += [
            f"## {title}",
            "",
            *(f"- {r.mutant}" + (f": {r.reason}" if r.reason else "") for r in chosen),
            "",
        ]
    (directory / "report.md").write_text("\n".join(lines), encoding="utf-8")
    return table


def kill_rate(results: Sequence[Result]) -> float:
    """Return the share of mutants that were found out, of all: equivalent ones are not taken away."""
    return sum(not result.survived for result in results) / len(results)


def _table(results: Sequence[Result]) -> str:
    modules = list(dict.fromkeys(result.mutant.module for result in results))
    lines = [
        "| module | mutants | killed | of these by timeout | survived | equivalent | kill rate |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name in (*modules, "all"):
        chosen = [result for result in results if name in (result.mutant.module, "all")]
        late = sum(result.outcome.verdict == Verdict.TIMEOUT for result in chosen)
        survived = sum(result.survived for result in chosen)
        same = sum(result.survived and bool(result.reason) for result in chosen)
        lines.append(
            f"| {name} | {len(chosen)} | {len(chosen) - survived} | {late} | {survived} | {same} "
            f"| {100 * kill_rate(chosen):.1f} % |"
        )
    return "\n".join(lines)


def _place(entry: Mapping[str, str]) -> tuple[str, str, str, str]:
    return entry["module"], entry["function"], entry["before"], entry["after"]


def _sources() -> str:
    """Return the hash of the package, so that a result is not taken over after a change of the code."""
    digest = hashlib.sha256()
    for path in sorted(CORE.parent.rglob("*.py")):
        digest.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]
