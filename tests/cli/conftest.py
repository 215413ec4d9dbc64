"""A way to call the command line in this process."""

import sys

import pytest

from trading_platform.cli import main

from .calling import Answer, Command


@pytest.fixture
def tool(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Command:
    """Return a function that runs ``trading-platform`` with some arguments."""

    def call(*arguments: object) -> Answer:
        monkeypatch.setattr(sys, "argv", ["trading-platform", *map(str, arguments)])
        capfd.readouterr()
        try:
            main()
            code = 0
        except SystemExit as done:
            code = int(done.code or 0)
        return Answer(code, *capfd.readouterr())

    return call
