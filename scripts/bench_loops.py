"""The loops that benchmark.py compares with: bare replay, unguarded maker over the C ABI, README-style maker.

The makers follow the rule of strategies/touch_maker.py with one level: cancel when the touch moved, new when the slot
is free, decided at every wakeup; no risk limits, no record.
"""

from typing import Any

import numpy as np
from hftbacktest import BUY, GTX, LIMIT
from numba import njit

import trading_platform._jit.compiler  # noqa: F401 (numba learns there what the kernels called below are)
from trading_platform.venues.hftbacktest import abi
from trading_platform.venues.hftbacktest.abi import ORDER_OFFSETS

REQ, STATUS = ORDER_OFFSETS["req"], ORDER_OFFSETS["status"]
HORIZON_NS = 1 << 58
NEW = 1
FILLED = 3


@njit
def bare_replay(roi, backtest):  # type: ignore[no-untyped-def]
    """Wait for every block and read the touch. Return (wakeups, sum of spreads)."""
    wakeups, depth, spread = 0, 0, 0
    while abi.wait_next_feed(roi, backtest, HORIZON_NS) != 1:
        if depth == 0:
            depth = abi.depth_address(roi, backtest, 0)
        wakeups += 1
        spread += abi.best_ask_ticks(roi, depth) - abi.best_bid_ticks(roi, depth)
    return wakeups, spread


@njit
def unguarded_maker(roi, backtest, tick_size, lot_size, qty_lots):  # type: ignore[no-untyped-def]
    """Return (wakeups, orders, cancels, fills, net lots). Slots: 0 bid, 1 ask."""
    result = np.zeros(5, np.int64)
    order_id, price = np.zeros(2, np.int64), np.zeros(2, np.int64)
    depth, orders, last_id = 0, 0, 0
    while True:
        code = abi.wait_next_feed(roi, backtest, HORIZON_NS)
        if depth == 0:
            depth, orders = abi.depth_address(roi, backtest, 0), abi.orders_address(roi, backtest, 0)
        if code != 2:
            ended = False
            for slot in range(2):
                if order_id[slot]:
                    address = abi.orders_get(orders, order_id[slot])
                    status = abi.load_u8(address + STATUS)
                    if status != NEW and abi.load_u8(address + REQ) == 0:
                        if status == FILLED:
                            result[3] += 1
                            result[4] += qty_lots if slot == 0 else -qty_lots
                        order_id[slot] = 0
                        ended = True
            if ended:
                abi.clear_inactive_orders(roi, backtest, 0)
        if code == 1:
            return result
        result[0] += 1
        bid, ask = abi.best_bid_ticks(roi, depth), abi.best_ask_ticks(roi, depth)
        for slot in range(2):
            wanted = bid if slot == 0 else ask
            if order_id[slot] and price[slot] != wanted:
                address = abi.orders_get(orders, order_id[slot])
                if abi.load_u8(address + REQ) == 0:
                    abi.cancel(roi, backtest, 0, order_id[slot])
                    result[2] += 1
        for slot in range(2):
            wanted = bid if slot == 0 else ask
            side = 1 if slot == 0 else -1
            own_cross = order_id[1 - slot] != 0 and side * (wanted - price[1 - slot]) >= 0
            if order_id[slot] == 0 and not own_cross:
                last_id += 1
                order_id[slot], price[slot] = last_id, wanted
                abi.submit(
                    roi, backtest, 0, side, last_id, wanted * tick_size, qty_lots * lot_size, GTX, LIMIT
                )
                result[1] += 1


@njit
def readme_maker(hbt: Any, tick_size: float, qty: float) -> int:
    """The same rule in the style of hftbacktest's README: iterate the dictionary of orders at every wakeup."""
    last_id, wakeups = 0, 0
    while hbt.wait_next_feed(True, HORIZON_NS) != 1:
        wakeups += 1
        hbt.clear_inactive_orders(0)
        depth, orders = hbt.depth(0), hbt.orders(0)
        bid, ask = depth.best_bid_tick, depth.best_ask_tick
        has_bid, has_ask = False, False
        values = orders.values()
        while values.has_next():
            order = values.get()
            wanted = bid if order.side == BUY else ask
            if order.cancellable and order.price_tick != wanted:
                hbt.cancel(0, order.order_id, False)
            if order.side == BUY:
                has_bid = True
            else:
                has_ask = True
        if not has_bid:
            last_id += 1
            hbt.submit_buy_order(0, last_id, bid * tick_size, qty, GTX, LIMIT, False)
        if not has_ask:
            last_id += 1
            hbt.submit_sell_order(0, last_id, ask * tick_size, qty, GTX, LIMIT, False)
    return wakeups
