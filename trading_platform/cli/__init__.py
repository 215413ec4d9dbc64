"""The command line. One module per group of commands; what is heavy is imported inside the commands."""

import gc
import sys

from ..backtest.runtime.process import give_up_ahead, start_ahead


def main() -> None:
    """Run the command line.

    The garbage collector rests while modules are loaded and leaves them alone afterwards: walking what lives as long as
    the process takes a tenth of a second while it starts, and another at its end.
    """
    gc.disable()
    start_ahead(sys.argv[1:])  # the engine is loaded beside the command line: both take as long
    try:
        from .app import main as run

        gc.freeze()
        gc.enable()
        run()
    finally:
        give_up_ahead()
        gc.freeze()
