"""The whole engine against hftbacktest alone: same rule, same fills, one by one; same position, balance and fee.

Six settings decide a run: market, queue model, exchange model, book, replace policy, form of the strategy. CI runs a
choice in which every two values of two settings meet (a test says so), ``-m long`` all combinations of the first five:
that both forms give one log is shown elsewhere too.
"""

import functools
import itertools
import json
from decimal import Decimal
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import pytest
from _pytest.mark import ParameterSet
from hftbacktest import binding

from trading_platform.backtest import engine
from trading_platform.config.load import config_from_dict
from trading_platform.config.run import RunConfig
from trading_platform.model.enums import EventKind
from trading_platform.runner import loop

from .builders import COMPILED, FORMS, INVERSE, PARTS, QUEUES, Done, Events, Fill, Market, maker_config, run
from .raw_loop import END, ledger_at, raw_maker

LOTS: Final = 10
POLICIES: Final = ("after_ack", "at_once")
DEPTHS: Final = ("auto", "hashmap")
EXCHANGES: Final = ("no_partial_fill", "partial_fill")
KINDS: Final = tuple(str(queue["kind"]) for queue in QUEUES)
MARKETS: Final = ("btcusdt", "coinm", "synthetic-1", "synthetic-2", "synthetic-3")
Files = tuple[Path, ...]


class Case(NamedTuple):
    """What decides a run."""

    market: str
    queue: str
    exchange: str
    depth: str
    policy: str
    form: str


def cases_of_ci() -> list[Case]:
    """Return one case for each market and queue model; the other settings rotate."""
    return [
        Case(
            market,
            kind,
            EXCHANGES[(column // 2 + row) % 2],
            DEPTHS[(column + row // 2) % 2],
            POLICIES[(column // 2 + column + row // 3 + row) % 2],
            FORMS[(column + row + column // 3) % 2],
        )
        for row, market in enumerate(MARKETS)
        for column, kind in enumerate(KINDS)
    ]


def all_cases() -> list[Case]:
    """Return every combination, compiled."""
    settings = itertools.product(MARKETS, KINDS, EXCHANGES, DEPTHS, POLICIES)
    return [Case(*setting, COMPILED) for setting in settings]


def parameters() -> list[ParameterSet]:
    """Return the cases of CI as they are, the others marked ``long``."""
    first = cases_of_ci()
    rest = [case for case in all_cases() if case not in first]
    return [
        *(pytest.param(case, id=name_of(case)) for case in first),
        *(pytest.param(case, id=name_of(case), marks=pytest.mark.long) for case in rest),
    ]


def name_of(case: Case) -> str:
    return "-".join((*case[:-1], case.form.rpartition(":")[2]))


def config_of(case: Case, files: Files) -> RunConfig:
    changes = INVERSE if case.market == "coinm" else {}
    (queue,) = (queue for queue in QUEUES if queue["kind"] == case.queue)
    return maker_config(
        files,
        case.form,
        **changes,
        engine__queue_model=queue,
        engine__exchange_model=case.exchange,
        engine__depth__kind=case.depth,
        engine__replace_policy=case.policy,
    )


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


def assert_same(config: RunConfig, directory: Path, monkeypatch: pytest.MonkeyPatch) -> Done:
    """Run both and compare. The engine's own ledger is right without partial fills only."""
    raw_fills, raw_ledger = raw_run(rule_of(config))
    done, ledger = our_run(config, directory, monkeypatch)
    fills = done.fills()
    for index, (ours, raw) in enumerate(itertools.zip_longest(fills, raw_fills)):
        assert ours == raw, f"fill {index} of {len(fills)} (ours) and {len(raw_fills)} (raw loop)"
    assert len(fills) > 100
    if config.engine.exchange_model == "no_partial_fill":
        assert_same_ledger(done, ledger, config)
        assert ledger["position"] == pytest.approx(float(raw_ledger["position"]), rel=1e-9)
    return done


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


def pairs_of(cases: list[Case]) -> set[tuple[str, ...]]:
    return {pair for case in cases for pair in itertools.combinations(case, 2)}


def test_every_two_settings_meet_in_ci() -> None:
    values = (MARKETS, KINDS, EXCHANGES, DEPTHS, POLICIES, FORMS)
    every_pair = {pair for two in itertools.combinations(values, 2) for pair in itertools.product(*two)}

    assert every_pair - pairs_of(cases_of_ci()) == set()


@pytest.mark.parametrize("case", parameters())
def test_each_fill_is_that_of_the_raw_loop(
    market: Market, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: Case
) -> None:
    done = assert_same(config_of(case, market(case.market)), tmp_path / "run", monkeypatch)

    partial = bool((done.of(EventKind.FILL)["leaves_lots"] > 0).any())
    assert partial == (case.exchange == "partial_fill")
    assert done.record["stop"] == "END_OF_DATA"


@pytest.mark.parametrize(("policy", "strategy"), list(zip(POLICIES, FORMS, strict=True)))
def test_on_three_consecutive_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, policy: str, strategy: str
) -> None:
    assert_same(maker_config(PARTS, strategy, engine__replace_policy=policy), tmp_path / "run", monkeypatch)


@pytest.mark.parametrize(("policy", "fills", "lots"), [("after_ack", 799, 490), ("at_once", 825, 450)])
def test_the_raw_loop_gives_the_known_numbers(btcusdt: Files, policy: str, fills: int, lots: int) -> None:
    """The numbers of docs/engine.md, measured long before this code by a loop that lets own orders meet."""
    config = maker_config(btcusdt, engine__replace_policy=policy)
    raw_fills, ledger = raw_run(rule_of(config), meets_own=True)

    assert len(raw_fills) == fills
    assert round(float(ledger["position"]) / float(config.instrument.lot_size)) == lots
