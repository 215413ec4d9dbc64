"""Mutation testing of the core: spoils one line at a time and looks whether a test fails.

    python -m scripts.mutation [throttle merge ...] [--out build/mutation] [--resume]

Without names: throttle, order_fsm, merge, position, risk and orders. Ends with 0 if at least 90 % of the mutants were
killed and each survivor has its reason in equivalent.toml, with 1 if not, with 2 for bad arguments. See
docs/mutation.md.
"""

import argparse
import os
import sys
import time
from pathlib import Path
from typing import Final

os.environ["NUMBA_DISABLE_JIT"] = "1"  # before numba is imported; a mutant would take a minute to compile

from .mutants import Mutant, list_mutants
from .report import RATE_MIN, Log, Reasons, Result, kill_rate, write_report
from .trial import CORE, ROOT, Outcome, Verdict, prepare, run_trial

MODULES: Final = ("throttle", "order_fsm", "merge", "position", "risk", "orders")
CPU_FACTOR: Final = 3  # a mutant may take so many times the CPU time of the code as it is
FIRST_MAX: Final = 4  # files of tests that run first: the latest that found a mistake in this module


def main() -> int:
    """Run it; return the exit code."""
    arguments = _arguments()
    prepare()
    log, reasons = Log(arguments.out / "mutants.jsonl", arguments.resume), Reasons()
    mutants = [mutant for name in arguments.modules for mutant in list_mutants(CORE / f"{name}.py")]
    print(
        f"{len(mutants)} mutants of {', '.join(arguments.modules)}; now the tests on the code as it is",
        flush=True,
    )
    if not mutants:
        print(f"MODULE must have something to change, {arguments.modules[0]} has nothing", file=sys.stderr)
        return 2
    limit = _baseline()
    results: list[Result] = []
    try:
        _try_all(mutants, log, reasons, limit, results)
    except KeyboardInterrupt:
        print(f"stopped after {len(results)} of {len(mutants)}; go on with --resume", file=sys.stderr)
        return 130
    print(write_report(arguments.out, results))
    return _judge(results, reasons, arguments.out)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m scripts.mutation", description=str(__doc__).partition("\n")[0]
    )
    parser.add_argument(
        "modules", nargs="*", metavar="MODULE", help=f"of the core; default: {' '.join(MODULES)}"
    )
    parser.add_argument(
        "--out", type=Path, default=ROOT / "build" / "mutation", help="directory of the report"
    )
    parser.add_argument(
        "--resume",
        action="store_true",
        help="do not try again what an earlier run of the same sources found killed",
    )
    arguments = parser.parse_args()
    arguments.modules = [Path(name).stem for name in arguments.modules] or list(MODULES)
    for name in arguments.modules:
        if not (CORE / f"{name}.py").is_file():
            parser.error(f"MODULE must be a module of {CORE.relative_to(ROOT)}, was {name}")
    return arguments


def _baseline() -> int:
    """Return the CPU time that a mutant may take [s]; the code as it is has to pass."""
    before = os.times()
    outcome = run_trial(None, (), 3600)
    after = os.times()
    if outcome.verdict != Verdict.SURVIVED:
        raise SystemExit(
            f"the tests must pass on the code as it is, failed: {outcome.by or 'before the first test'}"
        )
    used = after.children_user + after.children_system - before.children_user - before.children_system
    print(f"passed in {used:.1f} s of CPU time", flush=True)
    return int(CPU_FACTOR * used) + 5


def _try_all(mutants: list[Mutant], log: Log, reasons: Reasons, limit: int, results: list[Result]) -> None:
    """Try each mutant and tell what became of it."""
    started, found = time.monotonic(), dict[str, list[str]]()
    for number, mutant in enumerate(mutants, 1):
        first = found.setdefault(mutant.module, [])
        outcome: Outcome | None = log.killed(mutant)
        if outcome is None:
            outcome = run_trial(mutant, first, limit)
            log.append(mutant, outcome)
        if outcome.by:
            file = outcome.by.partition("::")[0]
            if (ROOT / file).is_file():  # --resume may tell of one that was renamed since
                first[:] = [file, *(name for name in first if name != file)][:FIRST_MAX]
        results.append(Result(mutant, outcome, reasons.of(mutant)))
        if results[-1].survived:
            print(f"survived: {mutant}" + (" (equivalent)" if results[-1].reason else ""), flush=True)
        if number % 25 == 0 or number == len(mutants):
            minutes = (time.monotonic() - started) / 60
            print(
                f"{number} of {len(mutants)} in {minutes:.1f} min, {100 * kill_rate(results):.1f} % killed",
                flush=True,
            )


def _judge(results: list[Result], reasons: Reasons, out: Path) -> int:
    """Say what is wrong; return the exit code."""
    faults = [f"survivor without a reason: {r.mutant}" for r in results if r.survived and not r.reason]
    faults += [
        f"killed, but equivalent.toml calls it the same program: {r.mutant}"
        for r in results
        if not r.survived and r.reason
    ]
    faults += [
        f"equivalent.toml has what is no mutant: {entry}"
        for entry in reasons.unused({r.mutant.module for r in results})
    ]
    if kill_rate(results) < RATE_MIN:
        faults.append(
            f"the kill rate must be at least {100 * RATE_MIN:.0f} %, was {100 * kill_rate(results):.1f} %"
        )
    for fault in faults:
        print(fault, file=sys.stderr)
    print(f"wrote {out / 'report.md'} and report.json")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
