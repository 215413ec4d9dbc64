"""What the engine would accept silently, or die of, is refused before it is built."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from trading_platform.model.errors import EngineError
from trading_platform.venues.hftbacktest.adapter import close
from trading_platform.venues.hftbacktest.assets import QUEUE_MODELS, AssetSpec, build_engine

from .play import INSTRUMENT, MS, book, events_of

EVENTS = events_of(book(0, [(1000, 50)], [(1002, 60)]))
SPEC = AssetSpec(INSTRUMENT, [EVENTS], None, 5 * MS, 5 * MS, "risk_averse", None, False, None)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"data": [EVENTS[:0]]}, ("UNIT", "non-empty", "0 rows")),
        ({"data": [np.zeros(3)]}, ("UNIT", "event_dtype", "float64")),
        ({"data": [np.repeat(EVENTS, 2)[::2]]}, ("C-contiguous",)),
        ({"snapshot": EVENTS[:0]}, ("UNIT", "non-empty")),
        ({"entry_ns": 0}, ("latencies", "> 0", "0 and 5000000")),
        ({"response_ns": -1}, ("latencies", "> 0", "-1")),
        ({"queue_model": "fifo"}, ("queue_model", "risk_averse", "fifo")),
    ],
)
def test_what_the_engine_must_not_get_is_refused(changes: dict[str, Any], words: tuple[str, ...]) -> None:
    with pytest.raises(EngineError) as caught:
        build_engine([replace(SPEC, **changes)])

    assert all(word in str(caught.value) for word in words), str(caught.value)


def test_one_engine_has_one_kind_of_depth() -> None:
    with pytest.raises(EngineError, match="same depth kind"):
        build_engine([SPEC, replace(SPEC, roi_ticks=(900, 1100))])


@pytest.mark.parametrize("partial", [False, True])
@pytest.mark.parametrize("roi_ticks", [None, (900, 1100)])
@pytest.mark.parametrize("queue", QUEUE_MODELS)
def test_every_combination_of_models_can_be_built(
    queue: str, roi_ticks: tuple[int, int] | None, partial: bool
) -> None:
    exponent = Decimal(2) if queue.startswith("power") else None
    spec = replace(
        SPEC, queue_model=queue, queue_exponent=exponent, roi_ticks=roi_ticks, partial_fill=partial
    )
    engine = build_engine([spec])

    assert engine.venue[0]["backtest"] != 0
    assert any(kept is EVENTS for kept in engine.keep), "the engine reads the rows where they lie"
    close(engine.venue)
