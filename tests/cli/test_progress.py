"""What is shown while work goes on."""

import io
import sys
from pathlib import Path

import pytest
from rich.console import Console
from rich.progress import Progress as Bar

from trading_platform.backtest.runtime.display import Display
from trading_platform.cli import common
from trading_platform.cli.common import BarProgress, PlainProgress, progress, rate_text


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return the time that progress sees, to be set."""
    now = [100.0]
    monkeypatch.setattr(common, "monotonic_seconds", lambda: now[0])
    return now


def test_plain_progress_tells_share_rate_and_time_left(
    clock: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    show = PlainProgress("running", "time")
    for second in range(21):
        clock[0] = 100.0 + second
        show(5_000_000_000 + second * 60_000_000_000, 5_000_000_000 + 20 * 60_000_000_000)

    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "running: 10 %, 60x real time, about 18 s left"
    assert lines[-1] == "running: 100 %, 60x real time, in 20.0 s"
    assert len(lines) == 10


def test_plain_progress_of_quick_work_is_silent(
    clock: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    show = PlainProgress("converting", "bytes")
    for done in range(101):
        clock[0] += 0.001
        show(done * 10_000, 1_000_000)

    assert capsys.readouterr().err == ""


def test_rates_are_in_units_of_the_work() -> None:
    assert rate_text(90e9, "time") == "90x real time"
    assert rate_text(2_500_000, "bytes") == "2.5 MB/s"
    assert rate_text(12_345, "items") == "12,345/s"


def test_bar_shows_share_and_rate_and_lines_stand_above_it(clock: list[float]) -> None:
    console = Console(file=io.StringIO(), width=120, force_terminal=True)
    bar = Bar(console=console)
    task = bar.add_task("starting", total=None, rate="")
    show = BarProgress(bar, task, "running", "items")
    show.phase("compiling")
    assert bar.tasks[0].description == "compiling"
    show(100, 300)
    clock[0] += 2
    show(200, 300)

    assert (bar.tasks[0].description, bar.tasks[0].percentage) == ("running", 50)
    assert bar.tasks[0].fields["rate"] == "50/s"
    show.line("a strategy printed [this]")
    assert "a strategy printed [this]" in console.file.getvalue()


def test_quiet_work_shows_lines_only(capsys: pytest.CaptureFixture[str]) -> None:
    with progress("running", unit="time", quiet=True) as show:
        show.phase("compiling")
        show(1, 2)
        show.line("said by the strategy")

    assert capsys.readouterr().err == "said by the strategy\n"
    assert type(show) is Display


def test_without_a_terminal_lines_are_plain(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert not sys.stderr.isatty()
    with progress("running", unit="time") as show:
        show.phase("compiling")

    assert capsys.readouterr().err == "compiling ...\n"
