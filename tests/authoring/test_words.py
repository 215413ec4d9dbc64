"""The state as words: every word has a name, and only what is the strategy's may change."""

from typing import Any

import numpy as np
import pytest

from trading_platform.authoring.words import SESSION_FREE, Words
from trading_platform.core.state import FIELDS, PARAMS_BYTES, State, new_state

PARAMS = np.dtype([("order_qty_lots", "i8"), ("levels", "i8")])
MEMORY = np.dtype([("count", "i8"), ("mean", "f8"), ("trend", [("value", "f8"), ("last", "f8", (2,))])])


@pytest.fixture
def state() -> State:
    return new_state(levels_per_side=2, event_capacity=64, book_levels=1, trades_capacity=2)


@pytest.fixture
def words(state: State) -> Words:
    return Words(state, PARAMS, MEMORY)


def changed_place(words: Words, array: Any, row: int, field: str) -> tuple[str, int | float, int | float]:
    """Change one field, and return what the words say of it: the place, the value before and after."""
    before = words.read()
    array[row][field] = np.array(3).astype(array.dtype[field].base)
    (word,) = words.changed(before)[:1]
    place = words.place(int(word), int(before[word]), words.get(int(word)))
    return place.text, place.value(int(before[word])), place.value(words.get(int(word)))


RECORDS = [(name, field) for name, dtype in FIELDS.items() for field in dtype.names or ()]


@pytest.mark.parametrize(("name", "field"), RECORDS)
def test_every_field_of_every_array_is_named_with_its_values(
    state: State, words: Words, name: str, field: str
) -> None:
    array = getattr(state, name)
    row = len(array) - 1
    array[row] = np.zeros(1, array.dtype)[0]
    text, before, after = changed_place(words, array, row, field)
    first = "[0]" if array.dtype[field].subdtype else ""

    assert text == f'state.{name}[{row}]["{field}{first}"]'
    assert (before, after) == (0, 3)


def test_small_fields_of_one_word_are_told_apart(state: State, words: Words) -> None:
    """An event packs eight codes into a word: the one that differs is named."""
    state.events[5]["kind"], state.events[5]["tif"] = 7, 2
    before = words.read()
    state.events[5]["tif"] = 1
    (word,) = words.changed(before)
    place = words.place(int(word), int(before[word]), words.get(int(word)))

    assert place.text == 'state.events[5]["tif"]'
    assert (place.value(int(before[word])), place.value(words.get(int(word)))) == (2, 1)


@pytest.mark.parametrize(
    ("byte", "text"),
    [
        (0, 'params["order_qty_lots"]'),
        (8, 'params["levels"]'),
        (PARAMS_BYTES, 'memory["count"]'),
        (PARAMS_BYTES + 8, 'memory["mean"]'),
        (PARAMS_BYTES + 16, 'memory["trend.value"]'),
        (PARAMS_BYTES + 32, 'memory["trend.last[1]"]'),
    ],
)
def test_params_and_memory_are_named_as_the_strategy_names_them(
    state: State, words: Words, byte: int, text: str
) -> None:
    before = words.read()
    state.strategy[byte : byte + 8].view(np.float64)[0] = 0.5
    (word,) = words.changed(before)
    place = words.place(int(word), int(before[word]), words.get(int(word)))

    assert place.text == text
    if "mean" in text:
        assert place.value(words.get(int(word))) == 0.5


def test_a_strategy_may_change_intents_its_count_the_timer_and_its_own_memory_only(
    state: State, words: Words
) -> None:
    before = words.read()
    words.give(np.arange(len(before)), before + 1)
    changed = words.changed(before)
    assert len(changed) == len(before)
    free = {
        words.place(int(word), 0, 1).text.partition("[")[0].removeprefix("state.")
        for word in changed[words.may_change(changed)]
    }
    in_session = {
        words.place(int(word), 0, 1).field
        for word in changed[words.may_change(changed)]
        if words.place(int(word), 0, 1).array == "session"
    }

    assert free == {"session", "intents", "memory"}
    assert in_session == set(SESSION_FREE)


def test_words_are_set_and_taken_across_arrays(state: State, words: Words) -> None:
    before = words.read()
    state.positions[0]["net_lots"], state.orders[3]["order_id"] = 7, 9
    changed = words.changed(before)

    assert sorted(words.take(changed).tolist()) == [7, 9]
    words.give(changed, before[changed])
    assert state.positions[0]["net_lots"] == state.orders[3]["order_id"] == 0
    assert len(words.changed(before)) == 0
