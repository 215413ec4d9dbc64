"""A small complete configuration, and the errors of a changed one."""

import copy
from pathlib import Path
from typing import Any

import pytest

from trading_platform.config.load import config_from_dict
from trading_platform.config.run import RunConfig
from trading_platform.model.errors import ConfigError

BASE: dict[str, Any] = {
    "id": "unit",
    "engine": {
        "data_files": ["a.npz", "b.npz"],
        "instrument": {
            "name": "BTCUSDT",
            "base_currency": "BTC",
            "quote_currency": "USDT",
            "tick_size": "0.1",
            "lot_size": "0.001",
            "kind": "linear",
        },
        "fees": {"maker_rate": "0.0002", "taker_rate": "0.0005"},
        "latency": {"kind": "constant", "entry_seconds": "0.01", "response_seconds": "0.02"},
        "queue_model": {"kind": "risk_averse"},
        "exchange_model": "no_partial_fill",
    },
    "risk": {"position_limits": {"max_position": "1"}},
    "strategy": {"class_path": "package.module:Maker"},
}
INVERSE = {
    "engine.instrument.name": "BTCUSD_PERP",
    "engine.instrument.quote_currency": "USD",
    "engine.instrument.lot_size": 1,
    "engine.instrument.contract_size": 100,
    "engine.instrument.kind": "inverse",
    "risk.position_limits.max_position": 50,
}


def with_changes(changes: dict[str, object] | None = None) -> dict[str, Any]:
    """Return a copy of BASE with dotted keys set, as a file would have them: None is null."""
    document = copy.deepcopy(BASE)
    for key, value in (changes or {}).items():
        *sections, name = key.split(".")
        target: dict[str, Any] = document
        for section in sections:
            target = target.setdefault(section, {})
        target[name] = value
    return document


def changed(changes: dict[str, object] | None = None) -> RunConfig:
    """Return BASE with dotted keys changed."""
    return config_from_dict(with_changes(changes), Path("/data"), check_files=False)


def errors(changes: dict[str, object]) -> list[str]:
    """Return the lines of the ConfigError that BASE with ``changes`` must raise, without the headline."""
    with pytest.raises(ConfigError) as caught:
        changed(changes)
    headline, *lines = str(caught.value).split("\n")
    count = "1 error" if len(lines) == 1 else f"{len(lines)} errors"
    assert headline == f"configuration: {count}"
    return lines
