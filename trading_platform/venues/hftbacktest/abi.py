"""The C ABI of hftbacktest, from one table: for compiled code as external functions, else as their ctypes twins.

Pointers travel as int64 addresses, small integers and booleans as int64 too (a whole register, so the callee finds
clean upper bits). Checked at import: engine version, every symbol, the layout of an order.
"""

import ctypes
from typing import Any, Final

import llvmlite.binding

from ..._hftbacktest import EXTENSION, TYPES
from ..._jit import COMPILED, Deferred, kernel
from ..._jit.versions import version_of
from ...model.errors import EngineError

SUPPORTED_VERSIONS: Final = ("2.4.4",)
_I, _F = "int64", "float64"
_COMMON: Final = {
    "wait_next_feed": (_I, (_I, _I, _I)),  # backtest, include order responses, timeout_ns
    "current_timestamp": (_I, (_I,)),
    "depth": (_I, (_I, _I)),
    "orders": (_I, (_I, _I)),
    "last_trades": (_I, (_I, _I, _I)),  # backtest, asset, address of the length
    "clear_last_trades": (_I, (_I, _I)),
    "clear_inactive_orders": (_I, (_I, _I)),
    "submit_buy_order": (_I, (_I, _I, _I, _F, _F, _I, _I, _I)),
    "submit_sell_order": (_I, (_I, _I, _I, _F, _F, _I, _I, _I)),
    "cancel": (_I, (_I, _I, _I, _I)),
    "feed_latency": (_I, (_I, _I, _I, _I)),  # addresses of exchange and local time of the last feed row
    "state_values": (_I, (_I, _I)),
    "close": (_I, (_I,)),
}
_DEPTH: Final = {
    "best_bid_tick": (_I, (_I,)),
    "best_ask_tick": (_I, (_I,)),
    "best_bid_qty": (_F, (_I,)),
    "best_ask_qty": (_F, (_I,)),
    "bid_qty_at_tick": (_F, (_I, _I)),
    "ask_qty_at_tick": (_F, (_I, _I)),
}
SIGNATURES: Final = {
    **{f"{kind}bt_{name}": form for kind in ("hashmap", "roivec") for name, form in _COMMON.items()},
    **{f"{kind}depth_{name}": form for kind in ("hashmap", "roivec") for name, form in _DEPTH.items()},
    "orders_get": (_I, (_I, _I)),
}
ORDER_OFFSETS: Final = {
    "qty": 0,
    "leaves_qty": 8,
    "exec_qty": 16,
    "exec_price_tick": 24,
    "price_tick": 32,
    "tick_size": 40,
    "exch_timestamp": 48,
    "local_timestamp": 56,
    "order_id": 64,
    "maker": 88,
    "order_type": 89,
    "req": 90,
    "status": 91,
    "side": 92,
    "time_in_force": 93,
}
_LIBRARY: Final = ctypes.CDLL(EXTENSION.__file__)
_CTYPES: Final = {_I: ctypes.c_int64, _F: ctypes.c_double}


def check_abi(engine_version: str, symbols: Any, offsets: dict[str, int]) -> None:
    """Compare what is installed with what this adapter was written for; any difference is one clear EngineError."""
    faults = []
    if engine_version not in SUPPORTED_VERSIONS:
        faults.append(f"version must be one of {', '.join(SUPPORTED_VERSIONS)}, was {engine_version}")
    missing = [name for name in SIGNATURES if not hasattr(symbols, name)]
    if missing:
        faults.append(f"symbols are missing: {', '.join(missing)}")
    moved = {name: offset for name, offset in offsets.items() if ORDER_OFFSETS.get(name, offset) != offset}
    absent = ORDER_OFFSETS.keys() - offsets.keys()
    if moved or absent:
        faults.append(f"the layout of an order differs: {moved or ''} {sorted(absent) or ''}")
    if faults:
        raise EngineError(
            "hftbacktest does not fit this adapter: " + "; ".join(faults) + ". Install hftbacktest==2.4.4"
        )


check_abi(
    version_of("hftbacktest"),
    _LIBRARY,
    {
        name: int(field[1])
        for name, field in (TYPES.order_dtype.fields or {}).items()
        if not name.startswith("_")
    },
)
llvmlite.binding.load_library_permanently(EXTENSION.__file__)


def _symbol(name: str) -> Any:
    if COMPILED:
        return Deferred(lambda: _external(name))
    result, arguments = SIGNATURES[name]
    function = getattr(_LIBRARY, name)
    function.restype, function.argtypes = _CTYPES[result], [_CTYPES[argument] for argument in arguments]
    return function


def _external(name: str) -> Any:
    """Return a symbol as compiled code calls it."""
    from numba.core import types

    result, arguments = SIGNATURES[name]
    return types.ExternalFunction(name, getattr(types, result)(*(getattr(types, one) for one in arguments)))


def _loader(kind: str, ctypes_type: Any) -> Any:
    """Return a function that reads one value at an address."""
    if not COMPILED:
        return lambda address: ctypes_type.from_address(int(address)).value
    return Deferred(lambda: _load(kind))


def _load(kind: str) -> Any:
    from numba.core import types
    from numba.extending import intrinsic

    numba_type = getattr(types, kind)

    @intrinsic
    def load(_typing: Any, _address: Any) -> Any:
        def codegen(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
            value_type = context.get_value_type(numba_type)
            return builder.load(builder.inttoptr(arguments[0], value_type.as_pointer()), align=1)

        return numba_type(types.int64), codegen

    return load


def _address() -> Any:
    from numba.core import cgutils, types
    from numba.extending import intrinsic

    @intrinsic
    def first_address(_typing: Any, array: Any) -> Any:
        def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
            return builder.ptrtoint(data, cgutils.intp_t)

        return types.int64(array), codegen

    return first_address


load_i64 = _loader("int64", ctypes.c_int64)
load_f64 = _loader("float64", ctypes.c_double)
load_u8 = _loader("uint8", ctypes.c_uint8)
address_of: Any = Deferred(_address) if COMPILED else lambda array: int(array.ctypes.data)
"""Return the address of an array's first element."""

_roi_wait, _map_wait = _symbol("roivecbt_wait_next_feed"), _symbol("hashmapbt_wait_next_feed")
_roi_now, _map_now = _symbol("roivecbt_current_timestamp"), _symbol("hashmapbt_current_timestamp")
_roi_depth, _map_depth = _symbol("roivecbt_depth"), _symbol("hashmapbt_depth")
_roi_orders, _map_orders = _symbol("roivecbt_orders"), _symbol("hashmapbt_orders")
_roi_trades, _map_trades = _symbol("roivecbt_last_trades"), _symbol("hashmapbt_last_trades")
_roi_clear_trades, _map_clear_trades = (
    _symbol("roivecbt_clear_last_trades"),
    _symbol("hashmapbt_clear_last_trades"),
)
_roi_clear, _map_clear = _symbol("roivecbt_clear_inactive_orders"), _symbol("hashmapbt_clear_inactive_orders")
_roi_buy, _map_buy = _symbol("roivecbt_submit_buy_order"), _symbol("hashmapbt_submit_buy_order")
_roi_sell, _map_sell = _symbol("roivecbt_submit_sell_order"), _symbol("hashmapbt_submit_sell_order")
_roi_cancel, _map_cancel = _symbol("roivecbt_cancel"), _symbol("hashmapbt_cancel")
_roi_latency, _map_latency = _symbol("roivecbt_feed_latency"), _symbol("hashmapbt_feed_latency")
_roi_values, _map_values = _symbol("roivecbt_state_values"), _symbol("hashmapbt_state_values")
_roi_close, _map_close = _symbol("roivecbt_close"), _symbol("hashmapbt_close")
_roi_bid, _map_bid = _symbol("roivecdepth_best_bid_tick"), _symbol("hashmapdepth_best_bid_tick")
_roi_ask, _map_ask = _symbol("roivecdepth_best_ask_tick"), _symbol("hashmapdepth_best_ask_tick")
_roi_bid_at, _map_bid_at = _symbol("roivecdepth_bid_qty_at_tick"), _symbol("hashmapdepth_bid_qty_at_tick")
_roi_ask_at, _map_ask_at = _symbol("roivecdepth_ask_qty_at_tick"), _symbol("hashmapdepth_ask_qty_at_tick")
_roi_bid_qty, _map_bid_qty = _symbol("roivecdepth_best_bid_qty"), _symbol("hashmapdepth_best_bid_qty")
_roi_ask_qty, _map_ask_qty = _symbol("roivecdepth_best_ask_qty"), _symbol("hashmapdepth_best_ask_qty")
orders_get = _symbol("orders_get")


@kernel
def wait_next_feed(roi: int, backtest: int, timeout_ns: int) -> int:
    """Let time pass until a feed row, an order response, or the timeout (finite: it is added unchecked)."""
    return _roi_wait(backtest, 1, timeout_ns) if roi else _map_wait(backtest, 1, timeout_ns)


@kernel
def current_timestamp(roi: int, backtest: int) -> int:
    """Return the local clock [ns]; int64 max before the first wait."""
    return _roi_now(backtest) if roi else _map_now(backtest)


@kernel
def depth_address(roi: int, backtest: int, asset: int) -> int:
    """Return the address of the local book."""
    return _roi_depth(backtest, asset) if roi else _map_depth(backtest, asset)


@kernel
def orders_address(roi: int, backtest: int, asset: int) -> int:
    """Return the address of the local orders."""
    return _roi_orders(backtest, asset) if roi else _map_orders(backtest, asset)


@kernel
def best_bid_ticks(roi: int, depth: int) -> int:
    """Return the best bid [ticks]; int64 min without one."""
    return _roi_bid(depth) if roi else _map_bid(depth)


@kernel
def best_ask_ticks(roi: int, depth: int) -> int:
    """Return the best ask [ticks]; int64 max without one."""
    return _roi_ask(depth) if roi else _map_ask(depth)


@kernel
def best_bid_qty(roi: int, depth: int) -> float:
    """Return the quantity at the best bid."""
    return _roi_bid_qty(depth) if roi else _map_bid_qty(depth)


@kernel
def best_ask_qty(roi: int, depth: int) -> float:
    """Return the quantity at the best ask."""
    return _roi_ask_qty(depth) if roi else _map_ask_qty(depth)


@kernel
def bid_qty_at(roi: int, depth: int, price_ticks: int) -> float:
    """Return the quantity of a bid level, 0 without one."""
    return _roi_bid_at(depth, price_ticks) if roi else _map_bid_at(depth, price_ticks)


@kernel
def ask_qty_at(roi: int, depth: int, price_ticks: int) -> float:
    """Return the quantity of an ask level, 0 without one."""
    return _roi_ask_at(depth, price_ticks) if roi else _map_ask_at(depth, price_ticks)


@kernel
def last_trades(roi: int, backtest: int, asset: int, length_address: int) -> int:
    """Return the address of the market trades since they were cleared; their number goes to ``length_address``."""
    if roi:
        return _roi_trades(backtest, asset, length_address)
    return _map_trades(backtest, asset, length_address)


@kernel
def clear_last_trades(roi: int, backtest: int, asset: int) -> None:
    """Forget the market trades."""
    if roi:
        _roi_clear_trades(backtest, asset)
    else:
        _map_clear_trades(backtest, asset)


@kernel
def clear_inactive_orders(roi: int, backtest: int, asset: int) -> None:
    """Forget local orders that ended."""
    if roi:
        _roi_clear(backtest, asset)
    else:
        _map_clear(backtest, asset)


@kernel
def submit(
    roi: int,
    backtest: int,
    asset: int,
    side: int,
    order_id: int,
    price: float,
    qty: float,
    tif: int,
    order_type: int,
) -> int:
    """Submit an order without waiting for the response."""
    if side > 0:
        if roi:
            return _roi_buy(backtest, asset, order_id, price, qty, tif, order_type, 0)
        return _map_buy(backtest, asset, order_id, price, qty, tif, order_type, 0)
    if roi:
        return _roi_sell(backtest, asset, order_id, price, qty, tif, order_type, 0)
    return _map_sell(backtest, asset, order_id, price, qty, tif, order_type, 0)


@kernel
def cancel(roi: int, backtest: int, asset: int, order_id: int) -> int:
    """Cancel an order without waiting for the response."""
    return _roi_cancel(backtest, asset, order_id, 0) if roi else _map_cancel(backtest, asset, order_id, 0)


@kernel
def feed_latency(roi: int, backtest: int, asset: int, exch_address: int, local_address: int) -> int:
    """Put exchange and local time [ns] of the last feed row at two addresses."""
    if roi:
        return _roi_latency(backtest, asset, exch_address, local_address)
    return _map_latency(backtest, asset, exch_address, local_address)


@kernel
def state_values(roi: int, backtest: int, asset: int) -> int:
    """Return the address of the engine's own ledger (position, balance, fee, ... as float64)."""
    return _roi_values(backtest, asset) if roi else _map_values(backtest, asset)


@kernel
def close(roi: int, backtest: int) -> int:
    """Free the engine. Using it afterwards kills the process."""
    return _roi_close(backtest) if roi else _map_close(backtest)
