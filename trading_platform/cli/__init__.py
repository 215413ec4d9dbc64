"""The command line. One module per group of commands; what is heavy is imported inside the commands."""

import gc


def main() -> None:
    """Run the command line.

    The garbage collector rests while modules are loaded and leaves them alone afterwards: walking what lives as long as
    the process takes a tenth of a second while it starts, and another at its end.
    """
    gc.disable()
    from .app import main as run

    gc.freeze()
    gc.enable()
    try:
        run()
    finally:
        gc.freeze()
