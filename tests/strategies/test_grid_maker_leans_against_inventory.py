"""The grid lies around the mid, moves against the position, keeps off the opposite touch and stops at max_position."""

from decimal import Decimal

import numpy as np
import pytest

from trading_platform.core.state import State, new_state
from trading_platform.model.enums import IntentKind, TimeInForce
from trading_platform.model.instrument import Instrument
from trading_platform.strategies.grid_maker import GridMakerParams, grid_maker

INSTRUMENT = Instrument(
    "BTCUSDT", "BTC", "USDT", Decimal("0.1"), Decimal("0.001"), Decimal(1), False, Decimal(0), Decimal(0)
)
PARAMS = {
    "order_qty": "0.01",
    "levels": 2,
    "half_spread": "1.0",
    "grid_step": "0.5",
    "skew_step": "1.0",
    "max_position": "0.03",
}


def grid(
    net_lots: int, bid_ticks: int = 600_000, ask_ticks: int = 600_002
) -> dict[int, list[tuple[int, int]]]:
    """Return side -> (price_ticks, qty_lots) of each level that the strategy asks for."""
    state: State = new_state()
    params = GridMakerParams(**PARAMS).to_record(INSTRUMENT)
    state.strategy[: params.nbytes] = np.frombuffer(params.tobytes(), np.uint8)
    book = state.books[0]
    book["bid_ticks"], book["ask_ticks"], book["mark_halfticks"] = bid_ticks, ask_ticks, bid_ticks + ask_ticks
    state.positions[0]["net_lots"] = net_lots
    assert grid_maker.entry(state) == 0
    asked: dict[int, list[tuple[int, int]]] = {1: [], -1: []}
    for intent in state.intents[: int(state.session[0]["intent_count"])]:
        assert (intent["kind"], intent["tif"]) == (IntentKind.QUOTE, TimeInForce.POST_ONLY)
        side = int(state.slots[int(intent["slot"])]["side"])
        asked[side].append((int(intent["price_ticks"]), int(intent["qty_lots"])))
    return asked


def test_flat_grid_is_symmetric_around_the_mid() -> None:
    # mid 600001, half spread 10 ticks, step 5: outwards to 599990 and 600015
    assert grid(0) == {1: [(599_990, 10), (599_985, 10)], -1: [(600_015, 10), (600_020, 10)]}


@pytest.mark.parametrize(("net_lots", "shift_ticks"), [(10, -10), (-10, 10), (5, -5)])
def test_grid_moves_against_the_position(net_lots: int, shift_ticks: int) -> None:
    flat, leaning = grid(0), grid(net_lots)
    for side in (1, -1):
        assert [price for price, _ in leaning[side]] == [price + shift_ticks for price, _ in flat[side]]


def test_side_that_would_exceed_the_limit_asks_for_nothing() -> None:
    assert [qty for _, qty in grid(20)[1]] == [10, 0]
    assert [qty for _, qty in grid(30)[1]] == [0, 0]
    assert [qty for _, qty in grid(-30)[-1]] == [0, 0]
    assert [qty for _, qty in grid(30)[-1]] == [10, 10]


@pytest.mark.parametrize("net_lots", [-30, -20, 20, 30])
def test_no_quote_reaches_the_opposite_touch(net_lots: int) -> None:
    asked = grid(net_lots)
    assert all(price < 600_002 for price, _ in asked[1])
    assert all(price > 600_000 for price, _ in asked[-1])


def test_without_a_book_nothing_is_asked() -> None:
    assert grid(0, bid_ticks=0) == {1: [], -1: []}
