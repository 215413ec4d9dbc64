"""``data fetch``: recorded data from public archives."""

import os
import random
import shlex
import time
from pathlib import Path
from typing import Annotated, Final

import typer

from ..record.clock import monotonic_seconds
from .common import JsonOption, next_step, print_json, progress

ARCHIVE_VARIABLE: Final = "TRADING_PLATFORM_BINANCE_ARCHIVE"

app = typer.Typer(no_args_is_help=True, help="Fetch recorded data from a public archive.")


class _WallClock:
    """Time as it passes."""

    def now_s(self) -> float:
        """Return seconds of a clock that never goes back."""
        return monotonic_seconds()

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        time.sleep(seconds)


@app.command("binance")
def binance(
    symbol: Annotated[str, typer.Option("--symbol", help="Instrument, such as BTCUSDT or BTCUSD_PERP.")],
    market: Annotated[str, typer.Option("--market", help="spot, usdm or coinm.")],
    kind: Annotated[str, typer.Option("--kind", help="trades, aggTrades, bookTicker or bookDepth.")],
    date: Annotated[
        str,
        typer.Option("--date", help="Day, or first..last day: 2024-08-08 or 2024-08-08..2024-08-10, UTC."),
    ],
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Directory; files go to binance-MARKET/SYMBOL/KIND below it.")
    ],
    base_url: Annotated[
        str | None,
        typer.Option("--base-url", envvar=ARCHIVE_VARIABLE, help="Another address of the archive."),
    ] = None,
    timeout: Annotated[
        float, typer.Option(min=0.1, max=3600, help="Give an attempt up after so long without a byte [s].")
    ] = 60.0,
    attempts: Annotated[int, typer.Option(min=1, max=100, help="Attempts for a file.")] = 6,
    rate: Annotated[float, typer.Option(min=0.01, max=100, help="Requests a second at most.")] = 5.0,
    max_bytes: Annotated[int, typer.Option(min=1, help="Size of one file at most.")] = 16 << 30,
    overwrite: Annotated[bool, typer.Option(help="Replace files that differ.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Fetch daily files of Binance's public archive, verified by their checksum files; goes on where it was stopped.

    Example: trading-platform data fetch binance --symbol BTCUSDT --market spot --kind trades --date 2024-08-08 -o raw
    """
    from ..data.fetch import BINANCE_ARCHIVE, Fetcher, FetchPolicy, binance_files, fetch_binance

    files = binance_files(symbol, market, kind, date, base_url or BINANCE_ARCHIVE)
    policy = FetchPolicy(attempts=attempts, requests_per_s=rate, read_timeout_s=timeout, bytes_max=max_bytes)
    made = []
    with (
        Fetcher(policy, _WallClock(), random.Random(os.getpid())) as fetcher,  # noqa: S311 (jitter)
        progress("fetching", unit="bytes", quiet=as_json) as show,
    ):
        for one in fetch_binance(fetcher, files, out, overwrite=overwrite, progress=show):
            made.append(one)
            if not as_json:
                resumed = f", {one.resumed_bytes:,} of them were here" if one.resumed_bytes else ""
                show.line(f"{one.how} {one.path} ({one.size:,} bytes{resumed}; sha256 {one.sha256[:16]})")
    if as_json:
        print_json([vars(one) | {"path": str(one.path)} for one in made])
        return
    print(f"{len(made)} files in {made[0].path.parent}, {sum(one.size for one in made):,} bytes")
    listed = " ".join(shlex.quote(str(one.path)) for one in made[:2]) + (" ..." if len(made) > 2 else "")
    next_step(
        f"trading-platform data convert binance-public {listed} --venue binance-{market} --feed-latency-us LATENCY "
        "--out data"
    )
