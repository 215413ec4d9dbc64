"""The small market on which a strategy is checked when no config is given: made from a seed, the same everywhere."""

from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from pydantic_core import PydanticUndefined

from ..config.load import config_from_dict
from ..config.run import RunConfig
from ..data.files import save_events
from ..data.synth import synthesize
from ..strategies.params import StrategyParams

SEED: Final = 11
START_NS: Final = 1_722_470_400_000_000_000  # 2024-08-01
SECONDS: Final = 60
_GUESSES: Final[dict[str, str | int]] = {"lots": "0.01", "ticks": "0.5", "ns": "1", "": 1}  # by unit


def write_market(path: Path, *, seed: int = SEED, seconds: int = SECONDS) -> int:
    """Write a synthetic market and return its number of rows."""
    rows = synthesize(seed, START_NS, seconds * 1_000_000_000)
    save_events(path, rows)
    return len(rows)


def guessed_params(params: type[StrategyParams]) -> dict[str, Any]:
    """Return a value for each parameter without a default, by its unit: 0.01 units, a distance of 0.5, 1 s, 1."""
    units = params.units()
    return {
        name: (True if info.annotation is bool else _GUESSES[units[name]])
        for name, info in params.model_fields.items()
        if info.default is PydanticUndefined and info.default_factory is None
    }


def small_config(
    class_path: str, params: dict[str, Any], data: Path, overrides: dict[str, object]
) -> RunConfig:
    """Return the config of a run on such a market, with limits that a sensible strategy does not meet.

    Raises
    ------
    ConfigError : an override is wrong
    """
    raw: dict[str, Any] = {
        "id": "check",
        "engine": {
            "data_files": [str(data)],
            "instrument": {
                "name": "BTC-PERPETUAL",
                "base_currency": "BTC",
                "quote_currency": "USDC",
                "tick_size": Decimal("0.1"),
                "lot_size": Decimal("0.001"),
                "contract_size": 1,
                "kind": "linear",
            },
            "fees": {"maker_rate": 0, "taker_rate": Decimal("0.0005")},
            "latency": {
                "kind": "constant",
                "entry_seconds": Decimal("0.01"),
                "response_seconds": Decimal("0.01"),
            },
            "queue_model": {"kind": "risk_averse"},
            "exchange_model": "partial_fill",
        },
        "risk": {
            "scope": "check",
            "position_limits": {"currency": "BTC", "max_position": 10},
            "venue_policy": {"min_order_notional": 5, "market_collar": Decimal("0.01")},
        },
        "strategy": {"class_path": class_path, "params": params},
    }
    return config_from_dict(raw, data.parent, overrides)
