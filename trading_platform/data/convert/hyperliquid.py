"""Hyperliquid's recorded streams: l2Book (20 levels a side, whole each time) and trades.

Documents: https://hyperliquid.gitbook.io/hyperliquid-docs/for-developers/api/websocket.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import orjson

from ..events import BUY_FLAG, DEPTH, DEPTH_CLEAR, DEPTH_SNAPSHOT, SELL_FLAG, TRADE
from .base import Converter, Options, ReadBytes, Sink
from .lines import read_lines

NS_PER_MS: Final = 1_000_000
_MS_MIN: Final = 10**12  # 2001
_MS_MAX: Final = 10**13  # 2286
_KNOWN_TRADES: Final = 1 << 14


class HyperliquidReader:
    """Lines of one coin. A book is told as its differences from the one before: a queue sees what left a level."""

    def __init__(self, options: Options) -> None:
        self.venue = options.venue or "hyperliquid"
        self._coin, self._given = "", options.instrument or ""
        self._book: tuple[dict[str, str], dict[str, str]] | None = None  # price -> size, bids and asks
        self._book_ms = 0
        self._trades: dict[int, None] = {}  # ids of the newest: a subscription begins with known ones

    @property
    def instrument(self) -> str:
        """The name given, for coins that no directory can have (PURR/USDC); else the coin that all messages name."""
        return self._given or self._coin

    def channel(self, path: Path) -> int:  # noqa: ARG002 (one recording holds all streams)
        """Return 0: a recording holds all streams of the coin."""
        return 0

    def read(self, path: Path, sink: Sink, read_bytes: ReadBytes) -> None:  # noqa: ARG002 (the sink knows it)
        """Turn a recording into rows."""
        read_lines(sink, self, read_bytes)

    def parse(self, body: bytes, sink: Sink) -> None:
        """Turn one message into rows; raises ValueError, KeyError or TypeError for a broken one."""
        message = orjson.loads(body)
        if not isinstance(message, dict):
            raise TypeError(f"message must be an object, was {type(message).__name__}")
        channel = message.get("channel")
        if channel == "l2Book":
            self._levels(_object(message["data"]), sink)
        elif channel == "trades":
            if not isinstance(message["data"], list):
                raise TypeError(f"data must be a list, was {type(message['data']).__name__}")
            for trade in message["data"]:
                self._trade(_object(trade), sink)
        else:
            sink.ignore(str(channel) if channel else f"untyped: {', '.join(sorted(message))}")

    def _levels(self, data: Mapping[str, Any], sink: Sink) -> None:
        self._check_coin(data)
        ms = _ms(data["time"])
        bids, asks = (_side(levels) for levels in data["levels"])
        if ms < self._book_ms:
            sink.ignore("l2Book older than the book")
            return
        sink.count("l2Book")
        exch_ns, self._book_ms = ms * NS_PER_MS, ms
        before, self._book = self._book, (bids, asks)
        if before is None:
            for flag, levels in ((BUY_FLAG, bids), (SELL_FLAG, asks)):
                if levels:
                    sink.pairs(DEPTH_CLEAR | flag, exch_ns, ((list(levels)[-1], "0"),))
                    sink.pairs(DEPTH_SNAPSHOT | flag, exch_ns, list(levels.items()))
            return
        sides = ((BUY_FLAG, bids, before[0]), (SELL_FLAG, asks, before[1]))
        for flag, levels, old in sides:
            changed = [(price, size) for price, size in levels.items() if old.get(price) != size]
            sink.pairs(DEPTH | flag, exch_ns, changed)
        for flag, levels, old in sides:
            sink.pairs(DEPTH | flag, exch_ns, [(price, "0") for price in old if price not in levels])

    def _trade(self, data: Mapping[str, Any], sink: Sink) -> None:
        self._check_coin(data)
        number = data["tid"]
        if not isinstance(number, int):
            raise TypeError(f"tid must be an integer, was {number!r}")
        if number in self._trades:
            sink.ignore("trade told again")
            return
        self._trades[number] = None
        if len(self._trades) > _KNOWN_TRADES:
            del self._trades[next(iter(self._trades))]
        side = {"B": BUY_FLAG, "A": SELL_FLAG}.get(data["side"])
        if side is None:
            raise ValueError(f"side must be A or B, was {data['side']!r}")
        sink.count("trade")
        sink.pairs(TRADE | side, _ms(data["time"]) * NS_PER_MS, ((data["px"], data["sz"]),))

    def _check_coin(self, data: Mapping[str, Any]) -> None:
        self._coin = self._coin or str(data["coin"])
        if data["coin"] != self._coin:
            raise ValueError(
                f"coin must be {self._coin} in all lines and files, was {data['coin']!r}: separate the streams"
            )


def _object(data: object) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise TypeError(f"data must be an object, was {type(data).__name__}")
    return data


def _side(levels: object) -> dict[str, str]:
    if not isinstance(levels, list):
        raise TypeError(f"levels must be lists, was {type(levels).__name__}")
    return {level["px"]: level["sz"] for level in levels}


def _ms(value: object) -> int:
    if not isinstance(value, int) or not _MS_MIN <= value < _MS_MAX:
        raise ValueError(f"time must be milliseconds since 1970 (13 digits), was {value!r}")
    return value


HYPERLIQUID: Final = Converter(
    "hyperliquid",
    1,
    "Hyperliquid: l2Book and trades",
    HyperliquidReader,
    frozenset({"venue", "instrument"}),
)
