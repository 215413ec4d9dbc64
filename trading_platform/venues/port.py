"""What a venue adapter does for the core. Both sides speak records only: no call-backs, no shared objects.

An adapter is four kernels over ``(venue, state)``, where ``venue`` is an array of the adapter's own records:

``wait(venue, state, due_ns) -> Stop``
    Let time pass until market data, an order report, or ``due_ns``; set ``session.now_ns``. RUNNING if there is
    something to fold, END_OF_DATA once, anything else ends the run as failed.
``observe(venue, state) -> Stop``
    Bring the facts of that timestamp block into the core's words: best bid and ask through core.book.set_touch, market
    trades into state.trades, book levels into state.levels, and order reports (ReportKind, ascending order id, fills
    first) into state.reports.
``dispatch(venue, state) -> Stop``
    Hand every command of state.commands to the venue, in order, and clear it. What the venue refuses at once is a
    report or the end of the run, never silence.
``close(venue)``
    Give back what the venue holds.

A venue declares how it replaces orders (ReplacePolicy), whether it fills partially, and what it can not tell
(estimated fills). hftbacktest is the first adapter; a live venue fills the same arrays from its sockets.
"""
