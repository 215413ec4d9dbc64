"""The tool's side of the child process: start it, follow it, and write the record it could not write itself."""

import contextlib
import json
import signal
import subprocess
import sys
import threading
from collections import deque
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any, Final

from ...runner.clock import utc_now_iso
from ...runner.record import FORMAT, RUN_FILE, write_run
from .display import Display
from .logs import LogSettings

STOP_SECONDS: Final = 30
TAIL_LINES: Final = 5  # of what a dead child printed, told in its record


@dataclass(frozen=True)
class Outcome:
    """How a run ended: status as in ``run.json``, an error in words, and the exit code for it."""

    status: str
    error: str
    exit_code: int


def run_in_child(
    config: dict[str, Any],
    directory: Path,
    *,
    search: Path | None = None,
    display: Display | None = None,
    logs: LogSettings | None = None,
) -> Outcome:
    """Run a resolved config into an existing, empty directory, in a process of its own.

    Whatever happens there, the directory has a ``run.json`` afterwards. Ctrl-C stops the child, which then writes an
    interrupted record. What it prints (its log, prints of the strategy, complaints of the engine) goes to
    ``display.line``.
    """
    display = display or Display()
    request = json.dumps(
        {
            "config": config,
            "directory": str(directory.resolve()),
            "search": str(search) if search else None,
            "logs": asdict(logs or LogSettings()),
        }
    )
    with subprocess.Popen(
        [sys.executable, "-P", "-m", "trading_platform.backtest.runtime.child"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,  # Ctrl-C reaches it once, through _stop
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        assert child.stderr is not None
        tail: deque[str] = deque(maxlen=TAIL_LINES)
        echo = threading.Thread(target=_echo, args=(child.stderr, display, tail))
        echo.start()
        try:
            with contextlib.suppress(BrokenPipeError):  # it died already: told below
                child.stdin.write(request)
                child.stdin.close()
            outcome = _follow(child.stdout, display)
            child.wait()
        except KeyboardInterrupt:
            outcome = _stop(child)
        echo.join()
        if outcome is None:
            outcome = _died(child.returncode, tail)
    if not (directory / RUN_FILE).is_file():
        write_run(
            directory,
            {
                "format": FORMAT,
                "run_id": directory.name,
                "status": outcome.status,
                "finished": utc_now_iso(),
                "config": config,
                "error": outcome.error,
            },
        )
    return outcome


def _echo(lines: IO[str], display: Display, tail: deque[str]) -> None:
    """Pass on what the child prints."""
    for line in lines:
        tail.append(line)
        display.line(line.rstrip("\n"))


def _follow(lines: IO[str], display: Display) -> Outcome | None:
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
        elif "phase" in message:
            display.phase(message["phase"])
        elif "now_ns" in message:
            display(message["now_ns"], message["last_ns"])
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


def _died(code: int, tail: deque[str]) -> Outcome:
    said = " | ".join(line.strip() for line in tail if line.strip())
    if code < 0:
        how = f"the engine's process was killed by {signal.Signals(-code).name}"
    else:
        how = f"the engine's process ended with code {code} and no answer"
    return Outcome("failed", f"EngineError: {how}: {said or 'it printed nothing'}", 1)
