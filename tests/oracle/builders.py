"""Configurations and runs of the tests that go through the whole engine, and where the recordings are."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pytest

from trading_platform.backtest.engine import run_backtest
from trading_platform.config.load import load_config
from trading_platform.config.run import RunConfig
from trading_platform.data.convert import convert
from trading_platform.data.files import save_events
from trading_platform.data.synth import synthesize
from trading_platform.eventlog.reader import open_log
from trading_platform.model.enums import EventFlag, EventKind
from trading_platform.record.names import LOG_FILE

Events = npt.NDArray[np.void]
Market = Callable[[str], tuple[Path, ...]]  # name -> files
REPOSITORY: Final = Path(__file__).resolve().parents[2]
PARTS: Final = tuple(REPOSITORY / "tests" / "data" / "parts" / f"part-{number:03}.npz" for number in range(3))
BTCUSDT: Final = REPOSITORY / "examples" / "binance" / "btcusdt.json"
INTERPRETED: Final = "trading_platform.strategies.touch_maker:TouchMaker"
COMPILED: Final = "trading_platform.strategies.touch_maker:touch_maker"
FORMS: Final = (INTERPRETED, COMPILED)
QUEUES: Final[tuple[dict[str, object], ...]] = (
    {"kind": "risk_averse"},
    {"kind": "log_prob"},
    {"kind": "log_prob2"},
    {"kind": "power_prob", "exponent": 1},
    {"kind": "power_prob2", "exponent": 2},
    {"kind": "power_prob3", "exponent": 3},
)
SYNTHETIC_START_NS: Final = 1_700_000_000 * 10**9
SYNTHETIC_NS: Final = 80 * 10**9
INVERSE: Final[dict[str, object]] = {  # what makes `maker_config` trade contracts of 100 USD
    "engine__instrument": {
        "name": "BTCUSD_PERP",
        "base_currency": "BTC",
        "quote_currency": "USD",
        "tick_size": "0.1",
        "lot_size": 1,
        "contract_size": 100,
        "kind": "inverse",
    },
    "risk__position_limits": {"max_position": 2_000},
    "risk__venue_policy": {"min_order_notional": 0},
    "strategy__params": {"order_qty": 10},
}


@dataclass(frozen=True)
class Fill:
    """One fill as both sides of a comparison tell it."""

    order_id: int
    now_ns: int
    price_ticks: int
    qty_lots: int
    maker: bool


@dataclass(frozen=True)
class Done:
    """A run that was made: its directory, its ``run.json`` and its log."""

    directory: Path
    record: dict[str, Any]
    events: Events

    @property
    def digest(self) -> str:
        return str(self.record["log_digest"])

    def of(self, kind: EventKind) -> Events:
        chosen: Events = self.events[self.events["kind"] == kind]
        return chosen

    def fills(self) -> list[Fill]:
        return [
            Fill(
                int(event["order_id"]),
                int(event["now_ns"]),
                int(event["price_ticks"]),
                int(event["qty_lots"]),
                bool(event["flags"] & EventFlag.MAKER),
            )
            for event in self.of(EventKind.FILL)
        ]


def recordings(*names: str) -> list[Path]:
    """Return real recordings, or skip the test and say why."""
    named = os.environ.get("TRADING_PLATFORM_DATA")
    folder = Path(named) if named else REPOSITORY.parent / "shared" / "data"
    paths = [folder / name for name in names]
    absent = [path.name for path in paths if not path.is_file()]
    if absent:
        pytest.skip(f"no recording {', '.join(absent)}: set TRADING_PLATFORM_DATA to their directory")
    return paths


def converted(source: str, names: tuple[str, ...], out: Path) -> list[Path]:
    """Convert real recordings into ``out``."""
    return [made.path for made in convert(source, recordings(*names), out).files]


def synthetic(seed: int, folder: Path) -> Path:
    """Write 80 seconds of a synthetic market into ``folder`` and return the file."""
    path = folder / f"synthetic-{seed}.npy"
    save_events(path, synthesize(seed, SYNTHETIC_START_NS, SYNTHETIC_NS))
    return path


def maker_config(files: tuple[Path, ...] = PARTS, strategy: str = COMPILED, **changes: object) -> RunConfig:
    """Return one bid and one ask of 0.01 at the touch; no limit binds. ``__`` in a name of ``changes`` is a dot."""
    overrides: dict[str, object] = {
        "engine.data": None,
        "engine.data_files": [str(file) for file in files],
        "strategy.class_path": strategy,
        "risk.order_rate_limits": None,
        "risk.notional_limits": None,
        "risk.quote_limits": None,
        "risk.max_loss": None,
        "risk.position_limits.max_position": 1000,
        "output.stats_interval_seconds": 60,
    }
    overrides |= {name.replace("__", "."): value for name, value in changes.items()}
    return load_config(BTCUSDT, overrides)


def run(config: RunConfig, directory: Path, search: Path | None = None) -> Done:
    """Run a configuration into a new directory."""
    directory.mkdir(parents=True)
    record = run_backtest(config, directory, search=search)
    return Done(directory, record, open_log(directory / LOG_FILE).events)
