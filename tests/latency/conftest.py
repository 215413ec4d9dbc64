"""The command line, as the tests of the commands call it."""

from cli.conftest import tool

__all__ = ["tool"]
