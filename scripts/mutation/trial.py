"""Runs the tests against one mutant, in a forked child whose core holds the mistake. No file is changed.

The libraries are imported once, before the fork; the core and the tests are imported by each child. The tests stop
at the first that fails. The files that found earlier mutants of the module run first.
"""

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import os
import resource
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any, Final

from .mutants import Mutant

ROOT: Final = Path(__file__).resolve().parents[2]
CORE: Final = ROOT / "trading_platform" / "core"
TESTS: Final = ("tests/core", "tests/semantics", "tests/properties")
SEED: Final = 0  # of hypothesis: the same sessions for every mutant
EXAMPLES: Final = 200
NOT_RUN: Final = (  # drives the twin alone, never the core
    "tests/properties/test_core_against_the_twin.py::test_random_sessions_meet_every_decision"
)
LIBRARIES: Final = (
    "numba",
    "numpy",
    "pydantic",
    "jsonschema",
    "orjson",
    "hypothesis",
    "hypothesis.strategies",
)
MEMORY_BYTES: Final = 8 << 30  # address space of a child; a mistake may make it grow for ever
NO_FAULT: Final = 0
TEST_FAILED: Final = 1
INTERRUPTED: Final = 2  # pytest's word for tests that cannot even be imported
OWN_SIGNALS: Final = (signal.SIGXCPU, signal.SIGKILL)


class Verdict(StrEnum):
    """What became of a mutant."""

    KILLED = "killed"
    TIMEOUT = "timeout"  # ran for longer than any correct run: found out too
    SURVIVED = "survived"


@dataclass(frozen=True)
class Outcome:
    """How one run of the tests ended."""

    verdict: Verdict
    by: str  # the first test that failed; empty if none did or the module could not be imported
    seconds: float


class _MutatedLoader(importlib.machinery.SourceFileLoader):
    """Loads a module of the core from the text of a mutant."""

    def __init__(self, fullname: str, path: str, source: str) -> None:
        super().__init__(fullname, path)
        self._source = source

    def get_code(self, _fullname: str) -> CodeType:
        """Compile the mutant: neither the file nor its cached bytecode is asked."""
        return compile(self._source, self.path, "exec", dont_inherit=True)


class _MutatedFinder(importlib.abc.MetaPathFinder):
    """Finds the one module that is spoilt."""

    def __init__(self, mutant: Mutant) -> None:
        self._name = f"trading_platform.core.{Path(mutant.module).stem}"
        self._loader = _MutatedLoader(self._name, str(CORE / mutant.module), mutant.source)

    def find_spec(
        self, fullname: str, _path: Sequence[str] | None, _target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Return the spoilt module for its name, nothing for any other."""
        return importlib.util.spec_from_loader(fullname, self._loader) if fullname == self._name else None


class _Watch:
    """A pytest plugin that tells the first test that fails."""

    def __init__(self, failures: int) -> None:
        self._failures = failures

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Tell the parent which test failed."""
        if report.failed:
            os.write(self._failures, f"{report.nodeid}\n".encode())


def prepare() -> None:
    """Import what every trial needs, once. The core must not be imported: each child has its own."""
    if os.environ.get("NUMBA_DISABLE_JIT") != "1":
        raise RuntimeError("NUMBA_DISABLE_JIT must be 1 before numba is imported")
    os.environ["TRADING_PLATFORM_EXAMPLES"] = str(EXAMPLES)
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    for name in LIBRARIES:
        importlib.import_module(name)
    import hypothesis

    hypothesis.settings.register_profile(  # a failure is enough: neither make it small nor keep it
        "mutation", database=None, phases=(hypothesis.Phase.explicit, hypothesis.Phase.generate)
    )
    package = importlib.import_module("trading_platform")
    if Path(str(package.__file__)).parent != CORE.parent:
        raise RuntimeError(f"trading_platform must be the one in {CORE.parent}, was {package.__file__}")
    if "trading_platform.core" in sys.modules:
        raise RuntimeError("trading_platform.core must not be imported before the trials")


def run_trial(mutant: Mutant | None, first: Sequence[str], cpu_seconds: int) -> Outcome:
    """Run the tests against a mutant (None: the code as it is), for so much CPU time at most.

    ``first`` are the files to start with.

    Raises
    ------
    RuntimeError : pytest could not run at all
    """
    started = time.monotonic()
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as failures:
        child = os.fork()
        if child == 0:
            _be_child(mutant, first, cpu_seconds, output.fileno(), failures.fileno())
        try:
            _, status = os.waitpid(child, 0)
        except KeyboardInterrupt:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            raise
        output.seek(0)
        failures.seek(0)
        printed, failed = output.read().decode(errors="replace"), failures.read().decode().splitlines()
    seconds = time.monotonic() - started
    by = failed[0] if failed else ""
    if os.WIFSIGNALED(status):
        late = os.WTERMSIG(status) in OWN_SIGNALS
        return Outcome(Verdict.TIMEOUT if late else Verdict.KILLED, by, seconds)
    code = os.WEXITSTATUS(status)
    if code not in (NO_FAULT, TEST_FAILED, INTERRUPTED):
        raise RuntimeError(
            f"pytest must end with 0, 1 or 2, ended with {code} on {mutant or 'the code as it is'}:\n{printed[-4000:]}"
        )
    return Outcome(Verdict.SURVIVED if code == NO_FAULT else Verdict.KILLED, by, seconds)


def _be_child(
    mutant: Mutant | None, first: Sequence[str], cpu_seconds: int, output: int, failures: int
) -> None:
    """Run pytest with the mutant and leave; never returns."""
    code = 70  # of a child that fails before pytest ends
    try:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds + 1))
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(output, 1)
        os.dup2(output, 2)
        if mutant is not None:
            sys.meta_path.insert(0, _MutatedFinder(mutant))
        import pytest

        os.chdir(ROOT)
        options = [
            "-x",
            "-W",
            "ignore::pytest.PytestAssertRewriteWarning",
            "-p",
            "no:cacheprovider",
            "-p",
            "no:xdist",
            "-p",
            "no:cov",
            "-p",
            "no:randomly",
        ]
        options += ["--hypothesis-profile=mutation", f"--hypothesis-seed={SEED}", f"--deselect={NOT_RUN}"]
        watch = _Watch(failures)
        code = int(pytest.main([*options, *first], plugins=[watch])) if first else NO_FAULT
        if code == NO_FAULT:
            code = int(pytest.main([*options, *TESTS], plugins=[watch]))
    except BaseException:  # noqa: BLE001 whatever it is: the parent shows it
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
