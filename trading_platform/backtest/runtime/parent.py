"""The tool's side of the child process: start it, follow it, and write the record it could not write itself."""

import contextlib
import json
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

from ...runner.record import FORMAT, RUN_FILE, write_run

STOP_SECONDS: Final = 30
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Outcome:
    """How a run ended: status as in ``run.json``, an error in words, and the exit code for it."""

    status: str
    error: str
    exit_code: int


def run_in_child(
    config: dict[str, Any], directory: Path, *, search: Path | None = None, progress: Progress | None = None
) -> Outcome:
    """Run a resolved config into an existing, empty directory, in a process of its own.

    Whatever happens there, the directory has a ``run.json`` afterwards. Ctrl-C stops the child, which then writes an
    interrupted record.
    """
    request = json.dumps(
        {"config": config, "directory": str(directory.resolve()), "search": str(search) if search else None}
    )
    with (
        tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as complaints,
        subprocess.Popen(
            [sys.executable, "-m", "trading_platform.backtest.runtime.child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=complaints,
            text=True,
            start_new_session=True,  # Ctrl-C reaches it once, through _stop
        ) as child,
    ):
        assert child.stdin is not None
        assert child.stdout is not None
        try:
            with contextlib.suppress(BrokenPipeError):  # it died already: told below
                child.stdin.write(request)
                child.stdin.close()
            outcome = _follow(child.stdout, progress)
            child.wait()
        except KeyboardInterrupt:
            outcome = _stop(child)
        if outcome is None:
            outcome = _died(child.returncode, complaints)
    if not (directory / RUN_FILE).is_file():
        write_run(
            directory,
            {
                "format": FORMAT,
                "run_id": directory.name,
                "status": outcome.status,
                "config": config,
                "error": outcome.error,
            },
        )
    return outcome


def _follow(lines: IO[str], progress: Progress | None) -> Outcome | None:
    """Read the child's lines to the end; return its answer, None if it died without one."""
    outcome = None
    for line in lines:
        try:
            message = json.loads(line)
        except ValueError:
            continue  # the engine prints warnings of its own on standard output
        if not isinstance(message, dict):
            continue
        if "status" in message:
            outcome = Outcome(message["status"], message["error"], message["exit_code"])
        elif progress is not None and "now_ns" in message:
            progress(message["now_ns"], message["last_ns"])
    return outcome


def _stop(child: subprocess.Popen[str]) -> Outcome:
    """Let the child finish its record; kill it if it does not."""
    child.send_signal(signal.SIGTERM)
    try:
        child.wait(timeout=STOP_SECONDS)
    except (subprocess.TimeoutExpired, KeyboardInterrupt):
        child.kill()
        child.wait()
    return Outcome("interrupted", "stopped by the user", 130)


def _died(code: int, complaints: IO[str]) -> Outcome:
    complaints.seek(0)
    tail = " | ".join(line.strip() for line in complaints.readlines()[-5:] if line.strip())
    if code < 0:
        how = f"the engine's process was killed by {signal.Signals(-code).name}"
    else:
        how = f"the engine's process ended with code {code} and no answer"
    return Outcome("failed", f"EngineError: {how}: {tail or 'it printed nothing'}", 1)
