"""What each denial means to somebody who writes a strategy, and what helps."""

from collections.abc import Mapping
from typing import Final

from ..model.enums import DenyCode

D = DenyCode
CURES: Final[Mapping[DenyCode, tuple[str, str]]] = {  # code -> what it means, what helps
    D.END_OF_DATA: ("the data had ended", "nothing: it happens once, at the end of a run"),
    D.NOT_FOUND: (
        "a replace or cancel named a slot without an order",
        "ask view.order(side, level) or the slot's order_row first, or use quote, which does what is needed",
    ),
    D.DUPLICATE: (
        "a new order was asked for in a slot that has one",
        "use quote or replace, or another level for a second order",
    ),
    D.HALTED: ("trading was halted by a loss limit", "look at risk.max_loss; view.halted() tells it"),
    D.TRADING_DISABLED: ("the config says so", "set risk.trading_enabled to true"),
    D.BAD_TYPE: ("there is no such order type or time in force", "tif is GTC 0, POST_ONLY 1, FOK 2 or IOC 3"),
    D.BAD_QTY: (
        "the quantity is not positive, or too large",
        "quantities are lots, whole numbers > 0; quote(..., 0) takes an order away",
    ),
    D.BAD_PRICE: (
        "the price is far away from the market",
        "prices are ticks, not currency: price / tick_size; without a touch bid_ticks and ask_ticks are 0, so return",
    ),
    D.NO_BOOK: (
        "a side of the book was empty",
        "return while bid_ticks or ask_ticks is 0",
    ),
    D.POST_ONLY_WOULD_CROSS: (
        "a post-only order would have traded at once",
        "keep a bid below ask_ticks and an ask above bid_ticks, or use another time in force",
    ),
    D.SELF_CROSS: (
        "it would have traded with an order of its own on the other side",
        "keep the best bid below the best ask, also while they move",
    ),
    D.TAKER_SWEEP: (
        "it would take more than the simulated venue knows the price of",
        "take no more than stands at the touch, or see engine.taker_sweeps",
    ),
    D.MIN_ORDER_NOTIONAL: (
        "the order is worth less than the venue takes",
        "raise the quantity, or risk.venue_policy.min_order_notional is not the venue's",
    ),
    D.SINGLE_ORDER_NOTIONAL: (
        "the order is worth more than one order may be",
        "lower the quantity or raise risk.notional_limits.max_single_order_notional",
    ),
    D.POSITION: (
        "position and open orders would exceed the position limit",
        "stop quoting the side that adds before risk.position_limits.max_position",
    ),
    D.GROSS_NOTIONAL: (
        "position and open orders would be worth too much",
        "quote less or raise risk.notional_limits.max_gross_notional",
    ),
    D.QUOTE_GROSS_NOTIONAL: (
        "all open orders together would be worth too much",
        "quote fewer levels or raise risk.quote_limits.max_gross_quote_notional",
    ),
    D.QUOTE_NET_NOTIONAL: (
        "open bids and asks would differ too much in value",
        "quote both sides or raise risk.quote_limits.max_net_quote_notional",
    ),
    D.ACTIVE_QUOTES: (
        "too many orders would be open",
        "quote fewer levels or raise risk.quote_limits.max_active_quotes",
    ),
    D.ORDER_TABLE_FULL: (
        "more orders were open than the table has room for",
        "cancel what is not needed; levels_per_side makes room",
    ),
}
