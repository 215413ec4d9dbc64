"""The tool's side of the child process: start it, follow it, and write the record it could not write itself."""

import contextlib
import json
import signal
import subprocess
import threading
from collections import deque
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any, Final

from ...model.errors import EventLogError
from ...record.clock import utc_now_iso
from ...record.names import RUN_FILE
from ...record.run import FORMAT, write_run
from .display import Display
from .logs import LogSettings
from .process import start_engine_process

STOP_SECONDS: Final = 30
CRASHES: Final = ("SIGABRT", "SIGBUS", "SIGFPE", "SIGILL", "SIGSEGV")
TAIL_LINES: Final = 5  # of what a dead child printed, told in its record
LAST_WORDS: Final = ("Fatal Python error", "panicked at")  # a stack follows: its first lines matter


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
    process: "subprocess.Popen[str] | None" = None,
) -> Outcome:
    """Run a resolved config into an existing, empty directory, in a process of its own.

    Whatever happens there, the directory has a ``run.json`` afterwards. Ctrl-C stops the child, which then writes an
    interrupted record. What it prints (its log, prints of the strategy, complaints of the engine) goes to
    ``display.line`` until that fails. An error of ``display`` itself stops the child like Ctrl-C and is raised.
    ``process`` is one of `start_engine_process`, if it runs already.
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
    with process or start_engine_process() as child:
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
        except BaseException:
            ensure_record(directory, config, _stop(child))
            raise
        finally:
            echo.join(STOP_SECONDS)  # longer only if something that the strategy started holds the pipe
        if outcome is None:
            outcome = _died(child.returncode, tail)
    ensure_record(directory, config, outcome)
    return outcome


def ensure_record(directory: Path, config: dict[str, Any], outcome: Outcome) -> None:
    """Write the record of a run whose process could not write its own.

    Raises
    ------
    EventLogError : this process cannot either; the message holds the outcome, too
    """
    if (directory / RUN_FILE).is_file():
        return
    record = {
        "format": FORMAT,
        "run_id": directory.name,
        "status": outcome.status,
        "finished": utc_now_iso(),
        "config": config,
        "error": outcome.error,
    }
    try:
        write_run(directory, record)
    except OSError as error:
        raise EventLogError(
            f"{directory / RUN_FILE}: cannot write the record: {error.strerror}: the run stays unfinished. "
            f"It {outcome.status}: {outcome.error or 'without an error'}"
        ) from error


def _echo(lines: IO[str], display: Display, tail: deque[str]) -> None:
    """Pass on what the child prints, as long as somebody listens; a pipe that nobody empties would stop the child."""
    listening, dying = True, False
    for line in lines:
        if not dying and any(words in line for words in LAST_WORDS):
            tail.clear()
            dying = True
        if line.strip() and not (dying and len(tail) == TAIL_LINES):
            tail.append(line.strip())
        if not listening:
            continue
        try:
            display.line(line.rstrip("\n"))
        except (OSError, ValueError):  # the reader of standard error went, or it was closed
            listening = False


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
    stop_process(child)
    return Outcome("interrupted", "stopped by the user", 130)


def stop_process(child: subprocess.Popen[str]) -> None:
    """Let the child finish its record; kill it if it does not."""
    child.send_signal(signal.SIGTERM)
    try:
        child.wait(timeout=STOP_SECONDS)
    except (subprocess.TimeoutExpired, KeyboardInterrupt):
        child.kill()
        child.wait()


def _died(code: int, tail: deque[str]) -> Outcome:
    return death(code, " | ".join(tail) or "it printed nothing")


def death(code: int, said: str) -> Outcome:
    """Return the outcome of a process that ended with ``code`` and without an answer."""
    names = {int(known): known.name for known in signal.Signals}  # real-time signals have none
    name = names.get(-code, f"signal {-code}")
    how, cure = f"was killed by {name}", "`run --debug` stops in the strategy before that"
    if code >= 0:
        how, cure = f"ended with code {code} and no answer", "nothing in a strategy may end its process"
    elif name == "SIGKILL":
        cure = "by a user, or by the system for want of memory: its log (dmesg) tells"
    elif name in CRASHES and LAST_WORDS[0] not in said:
        cure = "set PYTHONFAULTHANDLER=1 and run again to see the line of Python it happened in"
    return Outcome("failed", f"EngineError: the engine's process {how}: {said} ({cure})", 1)
