"""The command line. One module per group of commands; what is heavy is imported inside the commands."""

from .app import main

__all__ = ["main"]
