"""The reference of a run directory: its files, the columns of its tables, and what run.json holds."""

from decimal import Decimal
from typing import Final

import numpy as np
import polars as pl

from trading_platform.model.instrument import Instrument
from trading_platform.model.records import EVENT
from trading_platform.report.orders import orders_frame
from trading_platform.report.tables import equity_frame, events_frame, fills_frame

from .markdown import NOTE, code, table
from .schema_tables import run_record_keys

INSTRUMENT: Final = Instrument(
    "X", "BTC", "USDC", Decimal("0.1"), Decimal("0.001"), Decimal(1), False, Decimal(0), Decimal(0)
)
FILES: Final = (
    (
        "events.bin",
        "every fact, wish, denial and command: a header, then 128 bytes each; readable up to where a run was killed",
    ),
    ("config.json", "the resolved config, written first: `run --config` runs it again, also after a kill"),
    ("run.json", "how the run was made and how it ended; a directory without it is unfinished"),
    ("summary.json", "orders, fills, position, profit and loss, ratios; the same as `summary` in run.json"),
    ("events.parquet", "all events as a table"),
    ("orders.parquet", "one row per order"),
    ("fills.parquet", "one row per fill"),
    ("equity.parquet", "equity, drawdown and position at the sampling interval"),
    (
        "audit.parquet",
        "with `output.audit: all`: observed value, limit and headroom of every look at a limit",
    ),
    ("stats.npz", "sampled equity, readable by `hftbacktest.stats`"),
    ("notes.json", "tags and note, once `trading-platform runs tag` or `runs note` wrote one"),
)
TABLES: Final = {
    "orders.parquet": orders_frame,
    "fills.parquet": fills_frame,
    "equity.parquet": equity_frame,
    "events.parquet": events_frame,
}


def run_record_page() -> str:
    """Return the page."""
    text = NOTE + "# The run record\n\n"
    text += "A run is a directory. Nothing in it is overwritten, and it can be executed again from what it says.\n\n"
    text += "## Files\n\n" + table(("file", "content"), [(code(name), about) for name, about in FILES])
    text += (
        "\n## Tables\n\nColumns ending in `_ticks`, `_lots`, `_money` and `_ns` are exact integers. Their neighbours "
        "(`price`, `qty`, `fee`, `time`) say the same in quote currency, base currency or contracts, settlement "
        "currency and UTC.\n"
    )
    empty = np.empty(0, EVENT)
    for name, frame in TABLES.items():
        columns: pl.Schema = frame(empty, [INSTRUMENT]).schema
        rows = [(code(column), str(kind).partition("(")[0]) for column, kind in columns.items()]
        text += f"\n### {name}\n\n{table(('column', 'type'), rows)}"
    text += "\n## What run.json holds\n\n`trading-platform schema run` prints its JSON Schema. "
    text += "Fields that a run did not get to are absent.\n"
    return text + run_record_keys()
