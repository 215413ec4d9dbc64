"""Hand-made rows and recordings, and where the real ones are."""

import gzip
import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import pytest

from trading_platform.data.events import (
    BUY_FLAG,
    DEPTH,
    EVENT,
    EXCH_FLAG,
    LOCAL_FLAG,
    SELL_FLAG,
    TRADE,
    EventArray,
)

REPOSITORY: Final = Path(__file__).resolve().parents[2]
PARTS: Final = REPOSITORY / "tests" / "data" / "parts"
T0_MS: Final = 1_723_161_256_000
T0_NS: Final = T0_MS * 1_000_000
BOTH: Final = EXCH_FLAG | LOCAL_FLAG
USDM_FILE: Final = "binance_usdm_btcusdt_20240808.gz"
SPOT_FILES: Final = ("binance_spot_btcusdt_20240808.gz", "binance_spot_btcusdt_20240809.gz")
HYPERLIQUID_FILE: Final = "hyperliquid_btcusd_20250126.gz"
COINM_FILES: Final = ("binance_coinm_btcusd_perp_20240808.gz", "binance_coinm_btcusd_perp_20240809.gz")


def recordings(*names: str) -> list[Path]:
    """Return real recordings, or skip the test and say why."""
    named = os.environ.get("TRADING_PLATFORM_DATA")
    folder = Path(named) if named else REPOSITORY.parent / "shared" / "data"
    paths = [folder / name for name in names]
    absent = [path.name for path in paths if not path.is_file()]
    if absent:
        pytest.skip(f"no recording {', '.join(absent)}: set TRADING_PLATFORM_DATA to their directory")
    return paths


def rows_of(*rows: tuple[int, int, int, float, float]) -> EventArray:
    """Return event rows from (ev, exch_ns, local_ns, price, quantity)."""
    events = np.zeros(len(rows), EVENT)
    for event, (ev, exch_ns, local_ns, price, qty) in zip(events, rows, strict=True):
        event["ev"], event["exch_ts"], event["local_ts"] = ev, exch_ns, local_ns
        event["px"], event["qty"] = price, qty
    return events


def small_market(count: int = 6) -> EventArray:
    """Return ``count`` valid rows: depth on both sides and trades, 1 ms apart, 2 ms late."""
    kinds = (DEPTH | BUY_FLAG, DEPTH | SELL_FLAG, TRADE | BUY_FLAG)
    return rows_of(
        *(
            (
                kinds[number % 3] | BOTH,
                T0_NS + number * 1_000_000,
                T0_NS + (number + 2) * 1_000_000,
                60_000.1 + number % 3,
                0.5,
            )
            for number in range(count)
        )
    )


def depth(
    ms: int,
    bids: Sequence[Sequence[str]] = (("60000.1", "0.5"),),
    asks: Sequence[Sequence[str]] = (),
    *,
    ids: tuple[int, int, int] = (1, 1, 0),
    symbol: str = "BTCUSDT",
) -> str:
    """Return a depth difference; ``ids`` are U, u and pu."""
    first, last, previous = ids
    return _combined(
        {"e": "depthUpdate", "E": T0_MS + ms, "T": T0_MS + ms, "s": symbol}
        | {"U": first, "u": last, "pu": previous, "b": bids, "a": asks}
    )


def trade(ms: int, price: str = "60000.1", qty: str = "0.002", **fields: object) -> str:
    """Return a trade of a seller, unless ``fields`` say otherwise."""
    return _combined(
        {"e": "trade", "E": T0_MS + ms, "T": T0_MS + ms, "s": "BTCUSDT", "t": 1}
        | {"p": price, "q": qty, "X": "MARKET", "m": True}
        | fields
    )


def snapshot(ms: int, bids: Sequence[Sequence[str]], asks: Sequence[Sequence[str]]) -> str:
    """Return a REST answer."""
    return json.dumps(
        {"lastUpdateId": 1, "E": T0_MS + ms, "T": T0_MS + ms, "bids": list(bids), "asks": list(asks)}
    )


def _combined(data: dict[str, object]) -> str:
    return json.dumps({"stream": "btcusdt@x", "data": data})


def record(path: Path, lines: Iterable[tuple[int, str]]) -> Path:
    """Write a recording of (receipt time in ms after T0, message)."""
    text = "".join(f"{T0_NS + ms * 1_000_000} {message}\n" for ms, message in lines)
    path.write_bytes(gzip.compress(text.encode(), mtime=0))
    return path


def columns(rows: EventArray, flag: int) -> list[tuple[int, ...]]:
    """Return what one side of the engine sees, in order, without EXCH and LOCAL flags."""
    seen = rows[(rows["ev"] & np.uint64(flag)) != 0].copy()
    seen["ev"] &= np.uint64(~BOTH & 0xFFFFFFFFFFFFFFFF)
    return [tuple(row) for row in seen.tolist()]
