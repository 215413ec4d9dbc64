"""The numbers the adapter relies on: those of the package, and every code that a wait or a request can return."""

import ctypes
from pathlib import Path

import pytest
from hftbacktest import _hftbacktest, binding, order
from oracle.raw_loop import END, OK
from venues.play import BUY, SELL, trade

from trading_platform.model.enums import TimeInForce
from trading_platform.venues.hftbacktest import abi
from trading_platform.venues.hftbacktest.returncodes import END_OF_DATA, FATAL, MARKET_FEED, ORDER_RESPONSE

from .bare import SENT_MS, Bare, asset_of, lots_of, market

NEVER_SEEN = 15  # end of data inside a request: none of these tests can make the engine return it


def test_hftbacktest_2_4_4_has_these_numbers_and_our_times_in_force_are_its() -> None:
    names = ("NONE", "NEW", "EXPIRED", "FILLED", "CANCELED", "PARTIALLY_FILLED", "REJECTED")

    assert [getattr(order, name) for name in names] == list(range(7))
    assert not hasattr(order, "REPLACED"), "the request 7 has no name"
    assert (order.LIMIT, order.MARKET, order.BUY, order.SELL) == (0, 1, 1, -1)
    tifs = {
        "GTC": TimeInForce.GTC,
        "GTX": TimeInForce.POST_ONLY,
        "FOK": TimeInForce.FOK,
        "IOC": TimeInForce.IOC,
    }
    assert {name: getattr(order, name) for name in tifs} == tifs


def test_hftbacktest_2_4_4_returns_these_codes_and_we_know_each(tmp_path: Path) -> None:
    """One engine per fatal code, for the engine is of no use after it."""
    bare = Bare(market())
    codes = {bare.wait_ms(0), bare.wait_ms()}
    bare.until(SENT_MS)
    codes |= {bare.send(BUY, 1, 1000, 1), bare.send(BUY, 1, 1000, 1), bare.cancel(1), bare.cancel(2)}
    while (code := bare.wait_ms()) != END:
        codes.add(code)
    codes.add(code)
    bare.close()
    codes |= {_code_of_a_bad_byte(), _code_of_an_exact_fill(), _code_of_a_missing_file(tmp_path)}

    assert codes == {OK, END_OF_DATA, MARKET_FEED, ORDER_RESPONSE, *FATAL} - {NEVER_SEEN}


def _code_of_a_bad_byte() -> int:
    bare = Bare(market())
    bare.until(SENT_MS)
    bare.send(BUY, 1, 1000, 1, 99)
    return bare.finish()


def _code_of_an_exact_fill() -> int:
    bare = Bare(market(trade(30, SELL, 1001, 10), trade(31, SELL, 1001, 1)), partial=True)
    bare.until(SENT_MS)
    bare.send(BUY, 1, 1001, 10)
    return bare.finish()


def _code_of_a_missing_file(folder: Path) -> int:
    engine = _hftbacktest.build_hashmap_backtest([asset_of().data(str(folder / "absent.npz"))])
    code = int(binding.hashmapbt_wait_next_feed(engine, True, 1))
    binding.hashmapbt_close(engine)
    return code


@pytest.mark.parametrize(("side", "order_type"), [(BUY, order.LIMIT), (SELL, order.MARKET)])
def test_hftbacktest_2_4_4_keeps_an_order_at_these_offsets_and_we_read_it_there(
    side: int, order_type: int
) -> None:
    order_id = (3 << 40) | 77
    bare = Bare(market())
    bare.until(SENT_MS)
    bare.send(side, order_id, 1000, 17, order.GTX, order_type)
    address = binding.orders_get(bare.call("orders", 0), order_id)

    def byte(name: str) -> int:
        return ctypes.c_int8.from_address(address + abi.ORDER_OFFSETS[name]).value

    def word(name: str) -> int:
        return ctypes.c_int64.from_address(address + abi.ORDER_OFFSETS[name]).value

    qty = ctypes.c_double.from_address(address + abi.ORDER_OFFSETS["qty"]).value
    assert (lots_of(qty), word("price_tick"), word("order_id")) == (17, 1000, order_id)
    assert (word("local_timestamp"), word("exch_timestamp")) == (bare.now_ns, 0)
    assert (byte("status"), byte("req")) == (order.NONE, order.NEW)
    assert (byte("side"), byte("time_in_force"), byte("order_type")) == (side, order.GTX, order_type)
    bare.close()


def test_hftbacktest_2_4_4_exports_modify_and_we_do_not_bind_it() -> None:
    """What executes old quantities and stays wrong after a reject cannot be called by mistake."""
    unbound = {"modify", "position", "elapse", "num_assets", "order_latency"}

    assert all(
        hasattr(abi._LIBRARY, f"{kind}bt_{name}") for kind in ("hashmap", "roivec") for name in unbound
    )
    assert not [name for name in abi.SIGNATURES if name.partition("bt_")[2] in unbound]
