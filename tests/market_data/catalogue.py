"""A catalogue to test with, and what the engine shows of some rows."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from hftbacktest import BacktestAsset, binding
from hftbacktest._hftbacktest import build_hashmap_backtest

from trading_platform.config.times import day_text
from trading_platform.data.events import EXCH_FLAG, LOCAL_FLAG, EventArray
from trading_platform.data.files import file_sha256, save_events
from trading_platform.data.manifest import MANIFEST_SCHEMA

VENUE: Final = "binance-coinm"
INSTRUMENT: Final = "BTCUSD_PERP"
FEED: Final = 2
END: Final = 1
LONG_NS: Final = 10**12


def put(
    root: Path,
    rows: EventArray,
    *,
    venue: str = VENUE,
    instrument: str = INSTRUMENT,
    day: str = "",
    stem: str = "rows",
    lot: str = "1",
    **changes: object,
) -> Path:
    """Write rows and their manifest into a catalogue, below the day of the first row unless ``day`` says otherwise."""
    local = rows["local_ts"][(rows["ev"] & np.uint64(LOCAL_FLAG)) != 0]
    exch = rows["exch_ts"][(rows["ev"] & np.uint64(EXCH_FLAG)) != 0]
    day = day or day_text(int(local[0]))
    path = root / venue / instrument / day / f"{stem}.npy"
    save_events(path, rows)
    manifest: dict[str, Any] = {
        "schema": MANIFEST_SCHEMA,
        "venue": venue,
        "instrument": instrument,
        "day": day,
        "tick_size": "0.1",
        "lot_size": lot,
        "grid": "given",
        "output": {
            "file": path.name,
            "sha256": file_sha256(path),
            "rows": len(rows),
            "local_rows": len(local),
            "exch_rows": len(exch),
            "first_local_ns": int(local[0]),
            "last_local_ns": int(local[-1]),
            "first_exch_ns": int(exch[0]),
            "last_exch_ns": int(exch[-1]),
        },
        "stream": {
            "converter": venue,
            "converter_version": 1,
            "latency_min_ns": 1,
            "base_latency_ns": 1,
            "clock_shift_ns": 0,
            "files": [f"{stem}.gz"],
        },
        "source": {"file": f"{stem}.gz", "sha256": "0" * 64, "bytes": 1},
        "report": {"lines": 1, "messages": {}, "ignored": {}, "gap_count": 0, "gaps": []},
        "fixes": [],
    }
    path.with_suffix(".json").write_text(json.dumps(manifest | changes, sort_keys=True))
    return path


def replay(
    arrays: Sequence[EventArray],
    snapshot: EventArray | None,
    ticks: range,
    lot: float = 1.0,
    from_ns: int = 0,
) -> Iterator[tuple[int, list[tuple[int, int]], list[tuple[int, int]]]]:
    """Yield time of receipt, bids and asks (tick, lots) within ``ticks`` at each wakeup of the engine from then on."""
    held = [np.array(rows) for rows in arrays]  # the engine takes addresses: they must outlive it
    asset = BacktestAsset().data(held)
    if snapshot is not None:
        asset = asset.initial_snapshot(snapshot)
    asset = (
        asset.linear_asset(1.0)
        .constant_order_latency(1_000_000, 1_000_000)
        .risk_adverse_queue_model()
        .no_partial_fill_exchange()
        .trading_value_fee_model(0.0, 0.0)
        .tick_size(0.1)
        .lot_size(lot)
    )
    engine = build_hashmap_backtest([asset])
    depth = binding.hashmapbt_depth(engine, 0)
    try:
        while (code := binding.hashmapbt_wait_next_feed(engine, False, LONG_NS)) == FEED:
            if binding.hashmapbt_current_timestamp(engine) < from_ns:
                continue
            bid, ask = binding.hashmapdepth_best_bid_tick(depth), binding.hashmapdepth_best_ask_tick(depth)
            bids = [
                (tick, lots)
                for tick in range(min(bid, ticks.stop), ticks.start, -1)
                if (lots := round(binding.hashmapdepth_bid_qty_at_tick(depth, tick) / lot))
            ]
            asks = [
                (tick, lots)
                for tick in range(max(ask, ticks.start), ticks.stop)
                if (lots := round(binding.hashmapdepth_ask_qty_at_tick(depth, tick) / lot))
            ]
            yield binding.hashmapbt_current_timestamp(engine), bids, asks
        assert code == END, f"replay ended with code {code}"
    finally:
        binding.hashmapbt_close(engine)


class PlainBook:
    """A book as a person would write it: two dictionaries, one row at a time."""

    def __init__(self, lot: float = 1.0) -> None:
        self.bids: dict[int, int] = {}
        self.asks: dict[int, int] = {}
        self._lot = lot

    def add(self, ev: int, price: float, qty: float) -> None:
        from trading_platform.data.events import (
            BUY_FLAG,
            DEPTH,
            DEPTH_CLEAR,
            DEPTH_SNAPSHOT,
            KIND_MASK,
            SELL_FLAG,
        )

        kind, tick, lots = ev & KIND_MASK, round(price * 10), round(qty / self._lot)
        if kind == DEPTH_CLEAR:
            if not ev & SELL_FLAG:
                self.bids = {at: n for at, n in self.bids.items() if ev & BUY_FLAG and at < tick}
            if not ev & BUY_FLAG:
                self.asks = {at: n for at, n in self.asks.items() if ev & SELL_FLAG and at > tick}
        elif kind in (DEPTH, DEPTH_SNAPSHOT):
            mine, other = (self.bids, self.asks) if ev & BUY_FLAG else (self.asks, self.bids)
            mine.pop(tick, None)
            if lots > 0:
                mine[tick] = lots
                for at in [at for at in other if (at <= tick if ev & BUY_FLAG else at >= tick)]:
                    del other[at]

    def add_rows(self, rows: EventArray, flag: int) -> "PlainBook":
        """Add all rows of one side of the engine."""
        seen = rows[(rows["ev"] & np.uint64(flag)) != 0]
        for ev, price, qty in zip(
            seen["ev"].tolist(), seen["px"].tolist(), seen["qty"].tolist(), strict=True
        ):
            self.add(ev, price, qty)
        return self
