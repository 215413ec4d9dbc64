"""``trading-platform``: the application, its global options, and what happens to errors."""

import os
import sys
from enum import StrEnum
from typing import Annotated, Final

import typer

from .. import __version__
from ..backtest.runtime.logs import LogSettings
from ..model.errors import TradingPlatformError
from . import (
    config,
    data,
    data_bars,
    data_catalog,
    data_certify,
    data_fetch,
    data_latency,
    events,
    orders,
    run,
    runs,
    schema,
    strategy,
    verify,
    warmup,
)

BROKEN_PIPE: Final = 141  # 128 + SIGPIPE

app = typer.Typer(
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 done, 1 failed or different, 2 bad input, 75 try again, 130 interrupted.",
)
app.command("run")(run.run)
app.command("verify")(verify.verify)
app.command("orders")(orders.orders)
app.command("diff")(events.diff)
app.command("export")(events.export)
app.command("schema")(schema.print_schema)
app.command("warmup")(warmup.warmup)

config_app = typer.Typer(no_args_is_help=True, help="Configurations: what is in one, what it means.")
config_app.command("show")(config.show)
config_app.command("check")(config.check)
app.add_typer(config_app, name="config")

strategy_app = typer.Typer(no_args_is_help=True, help="Strategies: make one, list them, check one.")
strategy_app.command("new")(strategy.new)
strategy_app.command("ls")(strategy.ls)
strategy_app.command("check")(strategy.check)
app.add_typer(strategy_app, name="strategy")

runs_app = typer.Typer(no_args_is_help=True, help="Run records: list, read, tag, remove.")
runs_app.command("ls")(runs.ls)
runs_app.command("show")(runs.show)
runs_app.command("tag")(runs.tag)
runs_app.command("note")(runs.note)
runs_app.command("rm")(runs.rm)
app.add_typer(runs_app, name="runs")

data_app = typer.Typer(
    no_args_is_help=True, help="Market data: convert, fetch, catalogue, look, cut, export."
)
data_app.command("convert")(data.convert)
data_app.command("synth")(data.synth)
data_app.command("bars")(data_bars.bars)
data_app.command("certify")(data_certify.certify)
data_app.command("clean")(data_certify.clean)
latency_app = typer.Typer(
    no_args_is_help=True, help="Order latencies: of the feed, of own orders, of a place."
)
latency_app.command("feed")(data_latency.feed)
latency_app.command("orders")(data_latency.orders)
latency_app.command("profile")(data_latency.profile)
data_app.add_typer(latency_app, name="latency")
data_app.command("ls")(data_catalog.ls)
data_app.command("show")(data_catalog.show)
data_app.command("verify")(data_catalog.verify)
data_app.command("snapshot")(data_catalog.snapshot)
data_app.command("export")(data_catalog.export)
data_app.add_typer(data_fetch.app, name="fetch")
app.add_typer(data_app, name="data")


class LogLevel(StrEnum):
    """Levels of the log."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


def _version(wanted: bool) -> None:
    if wanted:
        print(f"trading-platform {__version__}")
        raise typer.Exit


@app.callback()
def options(
    context: typer.Context,
    log_level: Annotated[
        LogLevel, typer.Option(envvar="TRADING_PLATFORM_LOG_LEVEL", help="Least level of log lines.")
    ] = LogLevel.WARNING,
    log_json: Annotated[
        bool, typer.Option(envvar="TRADING_PLATFORM_LOG_JSON", help="Log lines as JSON objects.")
    ] = False,
    _show_version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Backtest strategies on a real order book: risk limits that hold, results that repeat.

    Start with: trading-platform run --config examples/local/local.json
    """
    context.obj = LogSettings(level=str(log_level), as_json=log_json, colors=sys.stderr.isatty())


def main() -> None:
    """Run the command line. An error is one message on standard error and an exit code."""
    try:
        app(prog_name="trading-platform")
    except TradingPlatformError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except SystemExit as stop:
        if isinstance(getattr(stop.__context__, "__cause__", None), KeyboardInterrupt):
            print("interrupted", file=sys.stderr)  # typer exits with 130 and says nothing
        raise
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # the reader went: nothing is left to flush to
        sys.exit(BROKEN_PIPE)
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        print(
            f"{place}{error.strerror or error}: check the path, its permissions and the disk", file=sys.stderr
        )
        sys.exit(TradingPlatformError.exit_code)
