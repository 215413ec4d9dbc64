"""Start the engine's process. Imports little: the command line starts it before it is loaded itself."""

import subprocess
import sys
from contextlib import suppress
from typing import Final

_WITHOUT_ENGINE: Final = {"-h", "--help", "--debug"}
_ahead: Final[list["subprocess.Popen[str]"]] = []


def start_ahead(arguments: list[str]) -> None:
    """Start a process for the next `start_engine_process` if these arguments of the command line ask for a run."""
    if arguments[:1] == ["run"] and not _WITHOUT_ENGINE.intersection(arguments):
        with suppress(OSError):  # the command will try again, and tell what is wrong
            _ahead.append(_start())


def give_up_ahead() -> None:
    """End a process that was started ahead and never asked for: the arguments were wrong."""
    while _ahead:
        give_up(_ahead.pop())


def start_engine_process() -> "subprocess.Popen[str]":
    """Start a process that loads the engine and waits for one request: see child.py. It ends when its input does."""
    return _ahead.pop() if _ahead else _start()


def _start() -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "trading_platform.backtest.runtime.child"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,  # Ctrl-C reaches it once, through the tool
    )


def give_up(child: "subprocess.Popen[str]") -> None:
    """End a process that got no request."""
    child.kill()
    child.communicate()
