"""What hftbacktest's return codes mean, all of them: one that is not listed is fatal too."""

from collections.abc import Mapping
from typing import Final

OK: Final = 0  # done, or the timeout passed
END_OF_DATA: Final = 1  # the only end; everything left was drained, the clock did not move
MARKET_FEED: Final = 2
ORDER_RESPONSE: Final = 3  # hides a MARKET_FEED of the same block

FATAL: Final[Mapping[int, str]] = {
    10: "the order id exists already in the engine",
    11: "a request for this order is still in process",
    12: "the engine does not know this order",
    13: "the engine calls the request invalid",
    14: "invalid order status, repeated for ever with time frozen (a fill that exhausts an order exactly?)",
    15: "end of data inside a request",
    100: "the engine could not read its data",
}


def explain(code: int) -> str:
    """Return a return code in words."""
    return f"hftbacktest returned {code}: {FATAL.get(code, 'a code that version 2.4.4 does not have')}"
