"""The command line. One module per group of commands; what is heavy is imported inside the commands."""

import gc
import os
import signal
import sys
from typing import Any, Final

from ..backtest.runtime.process import give_up_ahead, start_ahead

INTERRUPTED: Final = 130  # 128 + SIGINT


def main() -> None:
    """Run the command line.

    The garbage collector rests while modules are loaded and leaves them alone afterwards: walking what lives as long as
    the process takes a tenth of a second while it starts, and another at its end.
    """
    gc.disable()
    _open_standard_streams()
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        start_ahead(sys.argv[1:])  # the engine is loaded beside the command line: both take as long
        from .app import main as run

        gc.freeze()
        gc.enable()
        run()
    except KeyboardInterrupt:  # before the commands were there
        print("interrupted", file=sys.stderr)
        sys.exit(INTERRUPTED)
    finally:
        give_up_ahead()
        gc.freeze()


def _open_standard_streams() -> None:
    """Give closed standard streams a place to go: a service may start us without them."""
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        if getattr(sys, name) is None:
            descriptor = os.open(os.devnull, os.O_RDWR)
            os.dup2(descriptor, number)  # the number too: what we start inherits it
            setattr(sys, name, os.fdopen(number, mode, closefd=False))


def _interrupt(_number: int, _frame: Any) -> None:
    raise KeyboardInterrupt  # a service manager's stop is a user's Ctrl-C: the child writes its record
