"""What all commands share: options, the way a run is named, and how things are printed.

Standard output carries results, standard error everything else (progress, logs, errors): ``--json`` can be piped.
"""

import io
import json
import os
import re
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import typer

from ..backtest.history.files import is_encodable, is_run, start_ns
from ..backtest.runtime.display import Display
from ..model.errors import ConfigError, TradingPlatformError
from ..record.clock import monotonic_seconds

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress as Bar
    from rich.progress import TaskID

RUNS_VARIABLE: Final = "TRADING_PLATFORM_RUNS"
LAST: Final = "last"
PLAIN_SECONDS: Final = 2.0  # at most one plain progress line in this time
_FILLING: Final = re.compile(r" +(?=\n)")
Unit = Literal["time", "bytes", "items"]

ConfigFiles = Annotated[
    list[Path],
    typer.Option(
        "--config", "-c", help="JSON configuration. Repeatable: a later file overrides an earlier one."
    ),
]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", help="Override one key: --set risk.trading_enabled=false. Repeatable."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON value instead of text.")]
RunArgument = Annotated[
    str, typer.Argument(help='Run directory, id of a run in the runs directory, or "last".', metavar="RUN")
]
RunsOption = Annotated[
    Path | None,
    typer.Option("--runs", help=f"Directory of the runs; else ${RUNS_VARIABLE}, else ./runs."),
]


class UsageError(TradingPlatformError):
    """An argument of the command line names nothing."""

    exit_code = 2


def decimal_option(name: str, text: str) -> Decimal:
    """Return the number of an option that must be > 0.

    Raises
    ------
    UsageError : it is no finite number > 0
    """
    value = number_option(name, text)
    if value <= 0:
        raise UsageError(f"{name} must be > 0, was {text}")
    return value


def number_option(name: str, text: str) -> Decimal:
    """Return the number of an option; one that is not finite is a UsageError."""
    try:
        value = Decimal(text)
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite():
        raise UsageError(f"{name} must be a decimal number such as 0.1, was {text!r}")
    return value


def runs_directory(given: Path | None = None) -> Path:
    """Return the directory of the runs: the option, the environment variable, or ``runs`` here."""
    return given or Path(os.environ.get(RUNS_VARIABLE) or "runs")


def find_run(text: str, runs: Path | None = None) -> Path:
    """Return the run directory that a user means by a path, a run id or "last".

    Raises
    ------
    UsageError : there is none; the message names where it was looked for and the runs that are there
    """
    path, directory = Path(text), runs_directory(runs)
    if text == LAST:
        names = _runs_in(directory)
        if not names:
            raise UsageError(
                f'"last" must be a run in {directory.absolute()}, there is none: start one with '
                f"`trading-platform run`, or name the directory with --runs or {RUNS_VARIABLE}"
            )
        return directory / names[0]
    for candidate in (path, *([directory / text] if "/" not in text else [])):
        if is_run(candidate):
            return candidate
    known = ", ".join(_runs_in(directory)[:5]) or "none"
    raise UsageError(
        f"{text} must be a run: a directory, an id in {directory.absolute()} (newest: {known}), or last; "
        "`trading-platform runs ls` lists them"
    )


def _runs_in(directory: Path) -> list[str]:
    """Return the names of the run directories, the newest start first: the config is written first."""
    if not directory.is_dir():
        return []
    names = (entry.name for entry in os.scandir(directory) if not entry.name.startswith("."))
    starts = ((start_ns(directory / name), name) for name in names if is_encodable(name))
    return [name for start, name in sorted(starts, key=_newest_last, reverse=True) if start is not None]


def _newest_last(run: tuple[int | None, str]) -> tuple[int, str]:
    return run[0] or 0, run[1]


def parse_overrides(texts: list[str] | None) -> dict[str, object]:
    """Return the overrides of --set, dotted key -> value.

    Raises
    ------
    ConfigError : a text is no key=value, or a key is there twice
    """
    from ..config.load import parse_override

    overrides: dict[str, object] = {}
    for text in texts or []:
        key, value = parse_override(text)
        if key in overrides:
            raise ConfigError(f"--set {key} must be given once, was given again as {text}")
        overrides[key] = value
    return overrides


def config_options(config: list[Path], overrides: list[str] | None) -> str:
    """Return the options that name a configuration on another command line."""
    options = [f"--config {shlex.quote(str(path))}" for path in config]
    options += [f"--set {shlex.quote(text)}" for text in overrides or []]
    return " ".join(options)


# --- printing


def print_json(value: Any) -> None:
    """Print one JSON value on standard output."""
    print(json.dumps(value, ensure_ascii=False).encode("utf-8", "backslashreplace").decode())


def console() -> "Console":
    """Return rich's console on standard output; not on a terminal it neither colours, wraps nor pads lines."""
    from rich.console import Console

    if sys.stdout.isatty():
        return Console(highlight=False)
    return Console(highlight=False, width=200, soft_wrap=True, file=_Trimmed())


class _Trimmed(io.StringIO):
    """Standard output without the blanks that fill the cells of a table up."""

    def write(self, text: str) -> int:
        """Write a text that ends with a line: rich prints whole lines."""
        sys.stdout.write(_FILLING.sub("", text))
        return len(text)

    def flush(self) -> None:
        """Flush standard output."""
        sys.stdout.flush()


def next_step(*commands: str) -> None:
    """Print what is useful to do next."""
    for command in commands:
        print(f"next: {command}")


class PlainProgress(Display):
    """Lines for logs and pipes: every tenth of the work, one in two seconds at most; none for what takes less."""

    def __init__(self, what: str, unit: Unit) -> None:
        self._what, self._unit = what, unit
        self._first = self._started = self._printed = -1.0
        self._tenth = 0

    def phase(self, what: str) -> None:
        """Say what is being done now: before the work, when it may take a while."""
        if self._started < 0:
            self.line(f"{what} ...")

    def __call__(self, done: int, total: int) -> None:
        """Print a line if it is time for one."""
        now = monotonic_seconds()
        if self._started < 0:
            self._first, self._started, self._printed = done, now, now
        share = (done - self._first) / max(1, total - self._first)
        ends = done >= total and self._tenth < 10 and now - self._started >= PLAIN_SECONDS
        if ends or (int(10 * share) > self._tenth and now - self._printed >= PLAIN_SECONDS):
            self._tenth, self._printed = int(10 * share), now
            seconds = max(1e-9, now - self._started)
            rate = rate_text((done - self._first) / seconds, self._unit)
            rest = f"in {seconds:.1f} s" if ends else f"about {seconds * (1 / share - 1):.0f} s left"
            self.line(f"{self._what}: {100 * share:.0f} %, {rate}, {rest}")


class BarProgress(Display):
    """A bar with rate and time left, for terminals."""

    def __init__(self, bar: "Bar", task: "TaskID", what: str, unit: Unit) -> None:
        self._bar, self._task, self._what, self._unit = bar, task, what, unit
        self._first = self._started = -1.0

    def phase(self, what: str) -> None:
        """Show what is being done now, without an end in sight."""
        self._bar.update(self._task, description=what)

    def line(self, text: str) -> None:
        """Print a line above the bar."""
        from rich.text import Text

        self._bar.console.print(Text.from_ansi(text))

    def __call__(self, done: int, total: int) -> None:
        """Move the bar."""
        now = monotonic_seconds()
        if self._started < 0:
            self._first, self._started = done, now
        seconds = now - self._started
        rate = rate_text((done - self._first) / seconds, self._unit) if seconds > 0 else ""
        self._bar.update(
            self._task,
            description=self._what,
            completed=done - self._first,
            total=max(1, total - self._first),
            rate=rate,
        )


def rate_text(per_second: float, unit: Unit) -> str:
    """Return a rate for people: market time as a multiple of real time, bytes in MB/s, items a second."""
    if unit == "time":
        return f"{per_second / 1e9:,.0f}x real time"
    if unit == "bytes":
        return f"{per_second / 1e6:,.1f} MB/s"
    return f"{per_second:,.0f}/s"


@contextmanager
def progress(what: str, *, unit: Unit, quiet: bool = False) -> Iterator[Display]:
    """Yield the progress display that fits: a bar on a terminal, plain lines elsewhere, silence if ``quiet``."""
    if quiet:
        yield Display()
        return
    if not sys.stderr.isatty():
        yield PlainProgress(what, unit)
        return
    from rich.console import Console
    from rich.progress import BarColumn, SpinnerColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
        TextColumn("ETA"),
        TimeRemainingColumn(),
    )
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        yield BarProgress(bar, bar.add_task(what, total=None, rate=""), what, unit)
