"""The imbalance maker moves both quotes with the book, against the position, and stays off the opposite touch."""

from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from oracle.builders import maker_config, run

from trading_platform.core.state import State, new_state
from trading_platform.data.files import load_events, save_events
from trading_platform.model.enums import EventKind, IntentKind
from trading_platform.model.instrument import Instrument
from trading_platform.strategies.imbalance_maker import DEPTH_MAX, ImbalanceMakerParams, imbalance_maker

INSTRUMENT = Instrument(
    "BTCUSDT", "BTC", "USDT", Decimal("0.1"), Decimal("0.001"), Decimal(1), False, Decimal(0), Decimal(0)
)
PARAMS = {
    "order_qty": "0.01",
    "depth": 3,
    "half_spread": "1.0",
    "lean": "0.8",
    "skew_step": "0.3",
    "max_position": "0.02",
}


def asked(
    bids: list[int], asks: list[int], *, net_lots: int = 0, bid_ticks: int = 600_000, ask_ticks: int = 600_002
) -> list[tuple[int, int, int]]:
    """Return (side, price_ticks, qty_lots) of what is asked for with these quantities from the touch outwards."""
    state: State = new_state(book_levels=DEPTH_MAX)
    params = ImbalanceMakerParams(**PARAMS).to_record(INSTRUMENT)
    state.strategy[: params.nbytes] = np.frombuffer(params.tobytes(), np.uint8)
    book = state.books[0]
    book["bid_ticks"], book["ask_ticks"], book["mark_halfticks"] = bid_ticks, ask_ticks, bid_ticks + ask_ticks
    state.levels["qty_lots"][: len(bids)] = bids
    state.levels["qty_lots"][DEPTH_MAX : DEPTH_MAX + len(asks)] = asks
    state.positions[0]["net_lots"] = net_lots
    assert imbalance_maker.entry(state) == 0
    intents = state.intents[: int(state.session[0]["intent_count"])]
    assert (intents["kind"] == IntentKind.QUOTE).all()
    return [
        (int(state.slots[int(one["slot"])]["side"]), int(one["price_ticks"]), int(one["qty_lots"]))
        for one in intents
    ]


@pytest.mark.parametrize(
    ("bids", "asks", "shift_ticks"),
    [
        ([5, 0, 3], [4, 4, 0], 0),
        ([9, 0, 0], [0, 3, 0], 4),  # (9 - 3) / 12 of 8 ticks
        ([0, 3, 0], [9, 0, 0], -4),
        ([7], [], 8),
        ([5, 5, 0, 100], [5, 5, 0, 1], 0),  # the fourth tick is beyond the depth
    ],
)
def test_both_quotes_move_with_the_imbalance(bids: list[int], asks: list[int], shift_ticks: int) -> None:
    # mid 600001, half spread 10 ticks
    assert asked(bids, asks) == [
        (1, min(599_991 + shift_ticks, 600_001), 10),
        (-1, max(600_011 + shift_ticks, 600_001), 10),
    ]


@pytest.mark.parametrize(("net_lots", "quantities"), [(10, [10, 10]), (15, [0, 10]), (-15, [10, 0])])
def test_position_moves_the_quotes_back_and_stops_one_side(net_lots: int, quantities: list[int]) -> None:
    bid, ask = asked([1], [1], net_lots=net_lots)
    shift_ticks = -3 * net_lots / 10
    assert bid[1] == np.floor(599_991 + shift_ticks)
    assert ask[1] == np.ceil(600_011 + shift_ticks)
    assert [bid[2], ask[2]] == quantities


def test_no_quote_reaches_the_opposite_touch() -> None:
    bid, ask = asked([1], [0, 0, 0], net_lots=-600)
    assert bid[1] == 600_001
    assert ask[1] > 600_000
    bid, ask = asked([0], [1], net_lots=600)
    assert ask[1] == 600_001
    assert bid[1] < 600_002


def test_nothing_is_asked_without_a_book_or_with_an_empty_depth() -> None:
    assert asked([1], [1], bid_ticks=0) == []
    assert asked([0, 0, 0, 5], [0, 0, 0, 5]) == []


def test_it_trades_in_a_market(slice_file: Path, tmp_path: Path) -> None:
    params = PARAMS | {"half_spread": "0.1"}
    save_events(tmp_path / "short.npy", np.ascontiguousarray(load_events(slice_file)[:6_000]))
    config = maker_config(
        (tmp_path / "short.npy",),
        "trading_platform.strategies.imbalance_maker:imbalance_maker",
        strategy__params=params,
    )
    done = run(config, tmp_path / "run")
    assert len(done.fills()) > 5
    assert np.abs(done.of(EventKind.FILL)["c"]).max() <= 20  # max_position
