"""Start the engine's process. Imports little: the command line starts it before it reads its own arguments."""

import subprocess
import sys


def start_engine_process() -> "subprocess.Popen[str]":
    """Start a process that loads the engine and waits for one request: see child.py. It ends when its input does."""
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
