"""Merging channels that were recorded apart into one stream in order of receipt."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from ..events import EVENT, EventArray
from .base import NS_MAX, Chunk


def merged_chunks(channels: Sequence[Sequence[Chunk]], work: Path) -> list[Chunk]:
    """Merge channels by receipt time into a new file of ``work``; at equal times the first channel goes first.

    Trades have to come before depth: a depth change that a trade made would move the queue twice.
    """
    store = work / "merged.rows"
    made: list[Chunk] = []
    total = 0
    with store.open("xb") as file:
        for rows in _merged(channels):
            rows.tofile(file)
            made.append(
                Chunk(
                    store=store,
                    start=total,
                    rows=len(rows),
                    exch_min_ns=int(rows["exch_ts"].min()),
                    first_local_ns=int(rows["local_ts"][0]),
                    last_local_ns=int(rows["local_ts"][-1]),
                )
            )
            total += len(rows)
    return made


def _merged(channels: Sequence[Sequence[Chunk]]) -> Iterator[EventArray]:
    """Yield rows of all channels in order; holds one chunk a channel, more where a time is that of a whole chunk."""
    coming = [iter(chunks) for chunks in channels]
    held: list[EventArray] = [np.zeros(0, EVENT) for _ in channels]
    ended = [False for _ in channels]
    while True:
        for number, chunks in enumerate(coming):
            if ended[number] or (len(held[number]) and _reach(held, ended, number)):
                continue
            chunk = next(chunks, None)
            ended[number] = chunk is None
            if chunk is not None:
                held[number] = np.concatenate([held[number], chunk.read()])
        until = min(
            (int(rows["local_ts"][-1]) for rows, end in zip(held, ended, strict=True) if not end),
            default=NS_MAX,
        )
        counts = [int(np.searchsorted(rows["local_ts"], until, side="left")) for rows in held]
        rows = np.concatenate([part[:count] for part, count in zip(held, counts, strict=True)])
        held = [part[count:] for part, count in zip(held, counts, strict=True)]
        if len(rows):
            yield rows[np.argsort(rows["local_ts"], kind="stable")]
        elif all(ended):
            return


def _reach(held: Sequence[EventArray], ended: Sequence[bool], number: int) -> bool:
    """Tell whether a channel's rows reach further than those of another one: it need not read on now."""
    last = int(held[number]["local_ts"][-1])
    others = [
        int(rows["local_ts"][-1]) if len(rows) else -1
        for at, (rows, end) in enumerate(zip(held, ended, strict=True))
        if at != number and not end
    ]
    return any(other < last for other in others)
