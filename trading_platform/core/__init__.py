"""Pure kernels over records: no I/O, clock, randomness, logging, pydantic or hftbacktest.

Read ``step`` first. Then, in the order of the data flow: ``state``; facts: ``order_fsm, orders, reports, fills,
lifecycle, book, position, losses, wake``; wishes: ``intents, merge, intake, held``; decisions: ``normalize, risk,
approval, throttle, outbox, settlement, commands, halt``; and ``journal, journal_state``, where all of them are written.
"""
