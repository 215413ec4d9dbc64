"""Pure kernels over records: no I/O, clock, randomness, logging, pydantic or hftbacktest.

Read in the order of the data flow: state, order_fsm, orders, book, position, intents, merge, normalize, risk,
throttle, outbox, journal, step.
"""
