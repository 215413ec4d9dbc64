"""A position carried in: journaled as OPENING, worth what its price says, and the start of everything after."""

from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from oracle.builders import COMPILED, INVERSE, Events, maker_config, run
from venues.play import BUY, SELL, book, depth, events_of, ticks_of_time, trade

from trading_platform.data.files import save_events
from trading_platform.model.enums import EventKind

QUIET = {"risk__trading_enabled": False}


@pytest.fixture
def rising(tmp_path: Path) -> Path:
    """Return a market whose mid goes from 100.1 to 102.1."""
    rows = [*book(0, [(1000, 50)], [(1002, 60)]), *ticks_of_time(1, 60), trade(5, BUY, 1002, 1)]
    rows += [depth(30, SELL, 1002, 0), depth(30, SELL, 1022, 9), depth(31, BUY, 1020, 9)]
    path = tmp_path / "market.npz"
    save_events(path, events_of(rows))
    return path


def to_lots(rows: Events, path: Path) -> None:
    rows["qty"] *= 1000  # whole contracts
    save_events(path, rows, overwrite=True)


@pytest.mark.parametrize("position", ["0.5", "-0.5"])
def test_linear_position_is_opened_at_its_price_and_marked_to_the_mid(
    rising: Path, tmp_path: Path, position: str
) -> None:
    opening = {"engine__opening_position": position, "engine__opening_price": "99.9"}
    done = run(maker_config((rising,), COMPILED, **QUIET, **opening), tmp_path / "run")
    lots, first, last = int(Decimal(position) * 1000), done.events[0], done.of(EventKind.PNL)[-1]

    assert first["kind"] == EventKind.OPENING
    assert (first["qty_lots"], first["a"], first["b"], first["c"]) == (lots, -lots * 999, 0, 0)
    assert last["b"] == 1020 + 1022
    assert last["qty_lots"] == lots
    profit = Decimal(position) * (Decimal("102.1") - Decimal("99.9"))
    assert Decimal(int(last["a"])) / 10**9 == profit
    assert Decimal(done.record["summary"]["position"]["final_qty"]) == Decimal(position)
    assert done.of(EventKind.HALT).size == 0


@pytest.mark.parametrize("contracts", [7, -7])
def test_inverse_position_is_opened_at_its_price_and_marked_to_the_mid(
    rising: Path, tmp_path: Path, contracts: int
) -> None:
    """Profit of a long contract is size * (1 / open - 1 / mark) in base currency, to 1e-12 rounded once each."""
    rows = np.load(rising)["data"]
    to_lots(rows, rising)
    opening = {"engine__opening_position": contracts, "engine__opening_price": "99.9"}
    done = run(maker_config((rising,), COMPILED, **QUIET, **INVERSE, **opening), tmp_path / "run")
    first, last = done.events[0], done.of(EventKind.PNL)[-1]

    worth = contracts * 100 / Fraction("99.9")
    assert first["kind"] == EventKind.OPENING
    assert (first["qty_lots"], first["a"], first["c"]) == (contracts, 0, 0)
    assert abs(int(first["b"]) - worth * 10**12) <= 1
    profit = contracts * 100 * (1 / Fraction("99.9") - 1 / Fraction("102.1"))
    assert abs(int(last["a"]) - profit * 10**12) <= 2
    assert int(last["a"]) * contracts > 0, "long gains when the price rises"


def test_fills_go_on_from_the_opening_position(slice_file: Path, tmp_path: Path) -> None:
    plain = run(maker_config((slice_file,)), tmp_path / "plain")
    opening = {"engine__opening_position": "0.123", "engine__opening_price": "60000"}
    carried = run(maker_config((slice_file,), **opening), tmp_path / "carried")
    before, after = plain.of(EventKind.FILL), carried.of(EventKind.FILL)

    assert plain.fills() == carried.fills()
    assert (after["c"] - before["c"] == 123).all()
    assert len(after) > 30
    final, final_plain = carried.of(EventKind.PNL)[-1], plain.of(EventKind.PNL)[-1]
    gain_halfticklots = 123 * (int(final["b"]) - 2 * 600_000)
    assert int(final["a"]) - int(final_plain["a"]) == gain_halfticklots * 50_000


def test_position_limit_counts_the_opening_position(slice_file: Path, tmp_path: Path) -> None:
    limits = {"risk__position_limits__max_position": "0.2"}
    opening = {"engine__opening_position": "0.2", "engine__opening_price": "60000"}
    done = run(maker_config((slice_file,), **limits, **opening), tmp_path / "run")

    assert done.fills()[0].qty_lots == 10
    assert done.of(EventKind.FILL)[0]["side"] == -1, "no more can be bought"
    assert max(abs(done.of(EventKind.FILL)["c"])) <= 200


@pytest.mark.parametrize("position", ["0.5", "-0.5"])
@pytest.mark.parametrize("kind", ["linear", "inverse"])
def test_opening_position_is_no_loss_before_the_book_has_both_sides(
    tmp_path: Path, kind: str, position: str
) -> None:
    """The first block shows a bid alone: there is no mark yet, so there is neither profit nor drawdown."""
    rows = [
        depth(0, BUY, 1000, 50),
        *ticks_of_time(1, 40),
        depth(20, SELL, 1002, 60),
        trade(25, BUY, 1002, 1),
    ]
    events, path = events_of(rows), tmp_path / "market.npz"
    changes: dict[str, object] = {"engine__opening_position": position, "engine__opening_price": "100.1"}
    if kind == "inverse":
        events["qty"] *= 1000
        changes = INVERSE | {
            "engine__opening_position": int(Decimal(position) * 10),
            "engine__opening_price": "100.1",
        }
    save_events(path, events)
    loss = {"max_drawdown": "0.1"} if kind == "linear" else {"max_drawdown": "0.001"}
    done = run(maker_config((path,), COMPILED, **QUIET, **changes, risk__max_loss=loss), tmp_path / "run")

    assert done.of(EventKind.HALT).tolist() == []
    assert float(done.record["summary"]["pnl"]["max_drawdown"]) == 0
    assert abs(int(done.of(EventKind.PNL)[-1]["a"])) <= 1, "marked at the price it was opened at"
