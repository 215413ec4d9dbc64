"""The whole engine against hftbacktest alone: same rule, same fills, one by one; same position, balance and fee."""

import functools
import itertools
import json
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from hftbacktest import binding

from trading_platform.backtest import engine
from trading_platform.config.load import config_from_dict
from trading_platform.config.run import RunConfig
from trading_platform.model.enums import EventKind
from trading_platform.runner import loop

from .builders import COMPILED, FORMS, INVERSE, PARTS, Done, Events, Fill, maker_config, run
from .raw_loop import END, ledger_at, raw_maker

LOTS = 10
POLICIES = ("after_ack", "at_once")
Files = tuple[Path, ...]


@functools.cache
def raw_run(config_json: str, *, meets_own: bool = False) -> tuple[list[Fill], np.void]:
    """Return the fills of the raw maker at the end of the data, and the engine's ledger."""
    maker = raw_maker(config_from_dict(json.loads(config_json), Path("/")), LOTS, meets_own=meets_own)
    assert maker.run() == END
    ledger = maker.raw.ledger()
    maker.raw.close()
    return maker.fills, ledger


def rule_of(config: RunConfig) -> str:
    """Return a config as JSON, without the form of the strategy: the raw loop knows none."""
    return json.dumps(config.resolved() | {"strategy": {"class_path": "any:Form"}})


def our_run(config: RunConfig, directory: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Done, np.void]:
    """Return our run, and the engine's own ledger as it was before the engine was freed."""
    ledgers: list[np.void] = []
    release = loop.release

    def look_and_release(venue: Events) -> None:
        roi, address = int(venue[0]["roi"]), int(venue[0]["backtest"])
        ledgers.append(ledger_at(engine_ledger_address(roi, address)))
        release(venue)

    monkeypatch.setattr(engine, "release", look_and_release)
    done = run(config, directory)
    (ledger,) = ledgers
    return done, ledger


def engine_ledger_address(roi: int, address: int) -> int:
    """Return where the engine keeps its ledger of the first asset."""
    values = binding.roivecbt_state_values if roi else binding.hashmapbt_state_values
    return int(values(address, 0))


def assert_same(config: RunConfig, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    raw_fills, raw_ledger = raw_run(rule_of(config))
    done, ledger = our_run(config, directory, monkeypatch)
    fills = done.fills()
    for index, (ours, raw) in enumerate(itertools.zip_longest(fills, raw_fills)):
        assert ours == raw, f"fill {index} of {len(fills)} (ours) and {len(raw_fills)} (raw loop)"
    assert len(fills) > 100
    assert_same_ledger(done, ledger, config)
    assert ledger["position"] == pytest.approx(float(raw_ledger["position"]), rel=1e-9)


def assert_same_ledger(done: Done, ledger: np.void, config: RunConfig) -> None:
    """Our integers against the engine's floats: position exactly, cash and fees to 1e-9 of their size.

    Each fee, and each inverse value, was rounded once to whole units of money: half a unit a fill may differ.
    """
    fill_count = len(done.of(EventKind.FILL))
    instrument, final = config.instrument, done.of(EventKind.POSITION)[-1]
    assert int(final["qty_lots"]) * instrument.lot_size == round(Decimal(float(ledger["position"])), 9)
    unit = float(instrument.money_unit)
    rounding = fill_count * unit / 2
    if instrument.inverse:
        cash = -int(final["b"]) * unit  # the engine counts what was paid
    else:
        cash = int(final["a"]) * float(instrument.tick_size * instrument.lot_size)
    assert cash == pytest.approx(float(ledger["balance"]), rel=1e-9, abs=rounding)
    assert int(final["c"]) * unit == pytest.approx(float(ledger["fee"]), rel=1e-9, abs=rounding)
    assert fill_count == int(ledger["num_trades"])


@pytest.mark.parametrize("strategy", FORMS)
@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("depth", ["auto", "hashmap"])
def test_on_btcusdt(
    btcusdt: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, depth: str, policy: str, strategy: str
) -> None:
    config = maker_config(btcusdt, strategy, engine__depth__kind=depth, engine__replace_policy=policy)
    assert_same(config, tmp_path / "run", monkeypatch)


@pytest.mark.parametrize(("policy", "strategy"), list(zip(POLICIES, FORMS, strict=True)))
def test_on_three_consecutive_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, policy: str, strategy: str
) -> None:
    assert_same(maker_config(PARTS, strategy, engine__replace_policy=policy), tmp_path / "run", monkeypatch)


@pytest.mark.parametrize("policy", POLICIES)
def test_on_inverse_contracts_over_two_files(
    coinm: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, policy: str
) -> None:
    config = maker_config(coinm, COMPILED, **INVERSE, engine__replace_policy=policy)
    assert_same(config, tmp_path / "run", monkeypatch)


@pytest.mark.parametrize(("policy", "fills", "lots"), [("after_ack", 799, 490), ("at_once", 825, 450)])
def test_the_raw_loop_gives_the_known_numbers(btcusdt: Files, policy: str, fills: int, lots: int) -> None:
    """The numbers of docs/engine.md, measured long before this code by a loop that lets own orders meet."""
    config = maker_config(btcusdt, engine__replace_policy=policy)
    raw_fills, ledger = raw_run(rule_of(config), meets_own=True)

    assert len(raw_fills) == fills
    assert round(float(ledger["position"]) / float(config.instrument.lot_size)) == lots
