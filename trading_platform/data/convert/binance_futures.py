"""Binance futures streams (USD-M and COIN-M): differences of depth, trades, REST depth snapshots among them.

Documents: https://developers.binance.com/docs/derivatives (diff. book depth, trade, order book).
"""

from collections.abc import Mapping
from typing import Any, Final

import orjson

from ..events import BUY_FLAG, DEPTH, DEPTH_CLEAR, DEPTH_SNAPSHOT, SELL_FLAG, TRADE
from .base import Converter, Sink

NS_PER_MS: Final = 1_000_000
_MS_MIN: Final = 10**12  # 2001
_MS_MAX: Final = 10**13  # 2286


class BinanceFuturesParser:
    """Lines of a combined (``{"stream":..., "data":...}``) or a plain stream."""

    def __init__(self) -> None:
        self.symbol = ""
        self._last_u = -1  # final update id of the last depth difference, -1 none

    def parse(self, body: bytes, sink: Sink) -> None:
        """Turn one message into rows; raises ValueError, KeyError or TypeError for a broken one."""
        message = orjson.loads(body)
        if not isinstance(message, dict):
            raise TypeError(f"message must be an object, was {type(message).__name__}")
        data = message.get("data", message)
        if not isinstance(data, dict):
            raise TypeError(f"data must be an object, was {type(data).__name__}")
        kind = data.get("e")
        if kind == "depthUpdate":
            self._depth(data, sink)
        elif kind == "trade":
            self._trade(data, sink)
        elif kind is not None:
            self._check_symbol(data)
            sink.ignore(str(kind))
        elif "lastUpdateId" in data:
            self._snapshot(data, sink)
        elif "code" in data:
            sink.ignore(f"error {data['code']}: {data.get('msg', '')}")
        else:
            sink.ignore(f"untyped: {', '.join(sorted(data))}")

    def _depth(self, data: Mapping[str, Any], sink: Sink) -> None:
        self._check_symbol(data)
        sink.count("depthUpdate")
        previous, first, last = int(data["pu"]), int(data["U"]), int(data["u"])
        if first > last:
            raise ValueError(f"U must be <= u, was {first} > {last}")
        if self._last_u >= 0 and previous != self._last_u:
            sink.gap(self._last_u, previous)
        self._last_u = last
        exch_ns = _transaction_ns(data)
        sink.pairs(DEPTH | BUY_FLAG, exch_ns, data["b"])
        sink.pairs(DEPTH | SELL_FLAG, exch_ns, data["a"])

    def _trade(self, data: Mapping[str, Any], sink: Sink) -> None:
        self._check_symbol(data)
        if data["X"] != "MARKET":  # insurance fund and auto-deleveraging: no order of the book traded
            sink.ignore(f"trade {data['X']}")
            return
        sink.count("trade")
        maker_bought = data["m"]
        if not isinstance(maker_bought, bool):
            raise TypeError(f"m must be true or false, was {maker_bought!r}")
        side = SELL_FLAG if maker_bought else BUY_FLAG
        sink.pairs(TRADE | side, _transaction_ns(data), ((data["p"], data["q"]),))

    def _snapshot(self, data: Mapping[str, Any], sink: Sink) -> None:
        """Clear each side as far as the snapshot reaches, then set its levels; beyond it nothing changes."""
        if "symbol" in data:  # COIN-M only
            self._check_symbol({"s": data["symbol"]})
        sink.count("snapshot")
        exch_ns = _transaction_ns(data)
        for side, levels in ((BUY_FLAG, data["bids"]), (SELL_FLAG, data["asks"])):
            if levels:
                sink.pairs(DEPTH_CLEAR | side, exch_ns, ((levels[-1][0], "0"),))
                sink.pairs(DEPTH_SNAPSHOT | side, exch_ns, levels)

    def _check_symbol(self, data: Mapping[str, Any]) -> None:
        symbol = data["s"]
        if symbol != self.symbol:
            if self.symbol:
                raise ValueError(
                    f"symbol must be {self.symbol} in all lines and files, was {symbol}: separate the streams"
                )
            self.symbol = str(symbol)


def _transaction_ns(data: Mapping[str, Any]) -> int:
    """Return when the matching engine did it (T), not when the message was made (E)."""
    ms = data["T"]
    if not isinstance(ms, int) or not _MS_MIN <= ms < _MS_MAX:
        raise ValueError(f"T must be milliseconds since 1970 (13 digits), was {ms!r}")
    return ms * NS_PER_MS


USDM: Final = Converter(
    "binance-usdm", 1, "Binance USD-M futures: depth@0ms, trade, REST depth", BinanceFuturesParser
)
COINM: Final = Converter(
    "binance-coinm", 1, "Binance COIN-M futures: depth@0ms, trade, REST depth", BinanceFuturesParser
)
