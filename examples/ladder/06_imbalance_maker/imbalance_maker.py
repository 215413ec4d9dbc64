"""Step 6: a compiled maker that leans with the imbalance of the order book."""

from typing import Any, Final

from pydantic import Field

from trading_platform.strategies.compiled import (
    Side,
    State,
    Wake,
    compiled_strategy,
    kernel,
    level_lots,
    quote,
)
from trading_platform.strategies.params import PriceDistance, Qty, StrategyParams

DEPTH_MAX: Final = 20


class ImbalanceMakerParams(StrategyParams):
    """Parameters of the imbalance maker."""

    order_qty: Qty = Field(gt=0, description="quantity of each order")
    half_spread: PriceDistance = Field(gt=0, description="distance of the quotes from their centre")
    max_shift: PriceDistance = Field(
        ge=0, description="shift of the centre when one side of the book is empty"
    )
    depth: int = Field(
        ge=1, le=DEPTH_MAX, description="ticks of the book that count, from the touch outwards"
    )
    max_position: Qty = Field(gt=0, description="no quote that would add to a position beyond this")


@kernel
def depth_lots(state: State, side: int, depth: int) -> int:
    """Return the quantity on ``depth`` ticks of one side of the book [lots], from the touch outwards."""
    lots = 0
    for index in range(depth):
        lots += level_lots(state, 0, side, index)
    return lots


@compiled_strategy(ImbalanceMakerParams, wake=Wake.FEED | Wake.ORDERS, book_levels=DEPTH_MAX)
def imbalance_maker(state: State, params: Any, _memory: Any) -> None:
    """Quote both sides of a centre: the mid, shifted towards the side that has less to trade.

    More bids than asks near the touch: the next move is more often up, so both quotes lie higher. The book is the
    one that reached us by now, latency included, and our own orders are not in it.
    """
    book = state.books[0]
    if book["bid_ticks"] == 0 or book["ask_ticks"] == 0:
        return
    bids_lots = depth_lots(state, Side.BUY, params["depth"])
    asks_lots = depth_lots(state, Side.SELL, params["depth"])
    # half-ticks: the mid of an odd spread is not a tick
    shift_halfticks = 2 * params["max_shift_ticks"] * (bids_lots - asks_lots) // (bids_lots + asks_lots)
    centre_halfticks = book["mark_halfticks"] + shift_halfticks
    # rounded outwards, and kept off the opposite touch: the quotes are post-only
    bid_ticks = (centre_halfticks - 2 * params["half_spread_ticks"]) // 2
    ask_ticks = (centre_halfticks + 2 * params["half_spread_ticks"] + 1) // 2
    bid_ticks = min(bid_ticks, book["ask_ticks"] - 1)
    ask_ticks = max(ask_ticks, book["bid_ticks"] + 1)
    net_lots, qty_lots = state.positions[0]["net_lots"], params["order_qty_lots"]
    buys = net_lots + qty_lots <= params["max_position_lots"]
    sells = -net_lots + qty_lots <= params["max_position_lots"]
    quote(state, 0, Side.BUY, 0, bid_ticks, qty_lots if buys else 0)
    quote(state, 0, Side.SELL, 0, ask_ticks, qty_lots if sells else 0)
