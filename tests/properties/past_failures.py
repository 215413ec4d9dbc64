"""Sessions in which core and twin once parted, or in which a wrong core was not found out. Each is played in every run.

A failing random session prints itself as the code to paste here; give it a name that says what went wrong.
"""

from typing import Final

from trading_platform.model.enums import IntentKind, ReplacePolicy, ReportKind

from .script import BUY, COIN_MARGINED, WITH_FEES, Block, Rate, Report, Script, Setup, Touch, Wish

_NEW, _REPLACE, _QUOTE = IntentKind.NEW, IntentKind.REPLACE, IntentKind.QUOTE
_ACK, _FILL, _CANCELED = ReportKind.ACK, ReportKind.FILL, ReportKind.CANCELED
_BOOK: Final = Block(touches=(Touch(1000, 1010),))
_RESTING: Final = (
    _BOOK,
    Block(wishes=(Wish(_NEW, BUY, ticks=1000, lots=5),)),
    Block(reports=(Report(_ACK, 1),)),
)
_REPLACING: Final = (*_RESTING, Block(wishes=(Wish(_REPLACE, BUY, ticks=999, lots=5),)))
_AT_ONCE: Final = Setup(policy=ReplacePolicy.AT_ONCE)

PAST_FAILURES: Final[dict[str, Script]] = {
    "quote of a negative quantity for an empty slot was taken for a satisfied one": Script(
        Setup(),
        (_BOOK, Block(wishes=(Wish(_QUOTE, BUY, ticks=1000, lots=-3),))),
    ),
    "order that expired and whose cancel was refused in one block gave its replace up": Script(
        Setup(),
        (
            *_REPLACING,
            Block(reports=(Report(ReportKind.EXPIRED, 1), Report(ReportKind.CANCEL_REJECTED, 1))),
        ),
    ),
    "replacement that filled before the old order was canceled was never told as replaced": Script(
        _AT_ONCE,
        (*_REPLACING, Block(reports=(Report(_FILL, 2, 5, 999),)), Block(reports=(Report(_CANCELED, 1),))),
    ),
    "status of an amended order told its old quantity": Script(
        Setup(),
        (*_REPLACING, Block(reports=(Report(ReportKind.REPLACED, 1, 8, 998),))),
    ),
    "linear fee halfway between two integers was not rounded to the even one": Script(
        Setup(WITH_FEES),
        (*_RESTING, Block(reports=(Report(_FILL, 1, 3, 1005, maker=False),))),
    ),
    "inverse value halfway between two integers was not rounded to the even one": Script(
        Setup(COIN_MARGINED, order_max_ticks=2_000_000),
        (
            Block(touches=(Touch(1_114_112, 1_114_113),)),
            Block(wishes=(Wish(_NEW, BUY, ticks=1_114_112, lots=17),)),
            Block(reports=(Report(_FILL, 1, 17, 1_114_112),)),
        ),
    ),
    "replace that waits for a token is not given up for a cancel that was refused before it": Script(
        Setup(cancel_rate=Rate(1000, 1)),
        (
            *_RESTING,
            Block(wishes=(Wish(IntentKind.CANCEL, BUY),)),
            Block(
                reports=(Report(ReportKind.CANCEL_REJECTED, 1),),
                wishes=(Wish(_REPLACE, BUY, ticks=999, lots=5),),
            ),
            Block(reports=(Report(_FILL, 1, 1, 1000),)),
            Block(after_ns=1000),
        ),
    ),
}
