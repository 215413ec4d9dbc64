"""Indicators as streaming kernels over small records, for compiled strategies; twins over arrays in batch.py.

Rules of all kernels
--------------------
- A record starts as zeros: put its dtype into the memory of a strategy, ``fast: Annotated[np.void, EWMA]``.
- Parameters are arguments of every call and must stay the same from call to call.
- The result is NaN until there are enough values (the warm-up rule of each).
- A NaN given in stays in, in an average for ever, in a window for up to two lengths: leave it out instead.
- float64, in a fixed order of operations: the same values give the same bits however they arrive. Only ``log_return``
  takes a function (log) whose last bit can differ between machines.
"""
