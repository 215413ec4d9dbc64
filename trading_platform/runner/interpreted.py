"""Run an interpreted strategy: one kernel call per wakeup, call-backs from the journal of that wakeup."""

from collections.abc import Callable
from types import MethodType
from typing import Final

import numpy as np

from .._jit import STATE, Array, entry
from ..core.state import State
from ..model.enums import EventKind, Stop, Wake
from ..model.errors import StrategyError
from ..model.records import SESSION, Records, field_word
from ..strategies.base import Strategy
from ..venues.hftbacktest.adapter import VENUE
from .loop import advance

_ORDER_KINDS: Final = frozenset(
    {EventKind.STATUS, EventKind.VENUE_REJECT, EventKind.REPLACED, EventKind.ANOMALY}
)
_DECISION_KINDS: Final = frozenset({EventKind.DENIED, EventKind.QUEUED, EventKind.DEQUEUED, EventKind.SENT})
_MARKET: Final = int(Wake.FEED | Wake.TOUCH | Wake.PRICE)
_CLOCK: Final = int(Wake.TIMER | Wake.INTERVAL)
_TRADES: Final = int(Wake.TRADES)
_START: Final = int(Wake.START)
_BAR: Final = int(Wake.BAR)
_WAKE: Final = int(Stop.WAKE)
_FLUSH: Final = int(Stop.FLUSH)
_REASON: Final = field_word(SESSION, "wake_reason")
_EVENT_COUNT: Final = field_word(SESSION, "event_count")


@entry(Array(VENUE), STATE)
def run_to_wakeup(venue: Records, state: State) -> int:
    """Run until the strategy is due or the loop has to stop."""
    return advance(venue, state)


class CallBacks:
    """Calls of one strategy: ``wake`` per wakeup. Only overridden methods cost anything."""

    def __init__(self, strategy: Strategy, state: State) -> None:
        self._strategy = strategy
        self._events = state.events
        self._session = state.session.view(np.int64).reshape(-1).data
        self._seen = 0  # events of the buffer that were handed over
        self._backlog: list[np.void] = []  # events flushed before they were handed over
        kinds: dict[int, Callable[[np.void], object]] = {}
        if _overrides(strategy, "on_fill"):
            kinds[EventKind.FILL] = strategy.on_fill
        if _overrides(strategy, "on_order"):
            kinds |= dict.fromkeys(_ORDER_KINDS, strategy.on_order)
        if _overrides(strategy, "on_decision"):
            kinds |= dict.fromkeys(_DECISION_KINDS, strategy.on_decision)
        self._kinds = kinds
        self._on_start: Callable[[], object] = strategy.on_start
        self._on_trades: Callable[[], object] = strategy.on_trades
        self._on_bar: Callable[[], object] = strategy.on_bar
        self._on_timer: Callable[[], object] = strategy.on_timer
        self._on_market: Callable[[], object] = strategy.on_market
        self._on_wakeup: Callable[[], object] = strategy.on_wakeup
        methods = {
            "on_start": _START,
            "on_trades": _TRADES,
            "on_bar": _BAR,
            "on_market": _MARKET,
            "on_timer": _CLOCK,
        }
        self._reasons = sum(bits for name, bits in methods.items() if _overrides(strategy, name))

    @property
    def wake(self) -> Callable[[], object]:
        """The call for one wakeup. Not kept here: a cycle would keep the strategy alive beyond the run."""
        return self._tell_all if self._kinds or self._reasons else self._on_wakeup

    def before_flush(self) -> None:
        """Keep events that the strategy has not seen: the buffer is about to be emptied."""
        if self._kinds:
            count = self._session[_EVENT_COUNT]
            self._backlog.extend(event.copy() for event in self._events[self._seen : count])
        self._seen = 0

    def _tell_all(self) -> object:
        """Call the strategy for one wakeup: what happened to its orders, then the market, then its decision."""
        reason = self._session[_REASON] & self._reasons
        if reason & _START:
            _require_none(self._on_start, self._on_start())
        if self._kinds:
            self._hand_over()
        if reason:
            self._tell(reason)
        return self._on_wakeup()

    def _tell(self, reason: int) -> None:
        if reason & _TRADES:
            _require_none(self._on_trades, self._on_trades())
        if reason & _BAR:
            _require_none(self._on_bar, self._on_bar())
        if reason & _MARKET:
            _require_none(self._on_market, self._on_market())
        if reason & _CLOCK:
            _require_none(self._on_timer, self._on_timer())

    def _hand_over(self) -> None:
        count = self._session[_EVENT_COUNT]
        if self._backlog:
            backlog, self._backlog = self._backlog, []
            for event in backlog:
                self._call(event)
        for index in range(self._seen, count):
            self._call(self._events[index].copy())
        self._seen = count

    def _call(self, event: np.void) -> None:
        call = self._kinds.get(int(event["kind"]))
        if call is not None:
            _require_none(call, call(event))


def _require_none(call: Callable[..., object], returned: object) -> None:
    """Refuse what nobody reads: who returns orders, as other frameworks want them, would wonder for long."""
    if returned is not None:
        place = call.__func__.__code__ if isinstance(call, MethodType) else None
        where = f" ({place.co_filename}:{place.co_firstlineno})" if place is not None else ""
        raise StrategyError(
            f"{getattr(call, '__name__', call)} must return None, returned {returned!r}{where}: "
            "ask for orders with self.view.quote, new_order, replace or cancel"
        )


def _overrides(strategy: Strategy, name: str) -> bool:
    return getattr(type(strategy), name) is not getattr(Strategy, name)


def run_interpreted(venue: Records, state: State, strategy: Strategy, flush: Callable[[], None]) -> int:
    """Run until the loop has to stop; ``flush`` empties the journal. Returns a Stop, never WAKE or FLUSH."""
    calls = CallBacks(strategy, state)
    wake, run = calls.wake, run_to_wakeup.bind(venue, state)
    while True:
        stop = run()
        if stop == _WAKE:
            returned = wake()
            if returned is not None:
                _require_none(strategy.on_wakeup, returned)
        elif stop == _FLUSH:
            calls.before_flush()
            flush()
        else:
            calls.before_flush()
            flush()
            return int(stop)
