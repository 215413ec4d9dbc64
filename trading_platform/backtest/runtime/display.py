"""How work is shown while it goes on. The base class shows nothing but lines; the command line has a bar."""

import sys


class Display:
    """Where progress goes: call it with (done, total) in units of the work."""

    def phase(self, what: str) -> None:
        """Say what is being done now."""

    def line(self, text: str) -> None:
        """Print a line on standard error, without disturbing what else is shown."""
        print(text, file=sys.stderr, flush=True)

    def __call__(self, done: int, total: int) -> None:
        """Show how far the work is."""
