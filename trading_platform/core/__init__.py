"""Pure kernels over records: no I/O, clock, randomness, logging, pydantic or hftbacktest.

Read ``step`` first. Then, in the order of the data flow: ``state``; facts: ``order_fsm, orders, reports, book,
position, losses``; wishes: ``intents, merge, intake, held``; decisions: ``normalize, risk, throttle, outbox, commands,
halt``; and ``journal``, where all of them are written down.
"""
