"""Compiled reading of JSON text: where the values of an object begin, and decimals as the nearest float64.

Just enough of RFC 8259 for messages of venues: a position in the text goes in, the next position or BROKEN comes out.
"""

from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from ..._jit import kernel
from ..events import IntArray

Text: TypeAlias = npt.NDArray[np.uint8]
BROKEN: Final = -1
NO_NUMBER: Final = -2
_QUOTE, _ESCAPE, _COMMA, _COLON = ord('"'), ord("\\"), ord(","), ord(":")
_OPEN_OBJECT, _CLOSE_OBJECT, _OPEN_ARRAY, _CLOSE_ARRAY = ord("{"), ord("}"), ord("["), ord("]")
_ZERO, _NINE, _POINT, _MINUS, _BLANK = ord("0"), ord("9"), ord("."), ord("-"), ord(" ")
_PACKED_BYTES: Final = 7
_EXACT_MAX: Final = 1 << 53  # a whole number below it divided by a power of ten up to 1e22 is rounded once
_POWERS: Final = np.array([10.0**power for power in range(23)])
_POWERS.flags.writeable = False


def code_of(word: str) -> int:
    """Return a word's code, as `span_code` computes it: its first seven bytes and its length."""
    code = 0
    for byte in word.encode()[:_PACKED_BYTES]:
        code = code << 8 | byte
    return code | len(word) << 8 * _PACKED_BYTES


@kernel
def span_code(text: Text, start: int, end: int) -> int:
    """Return the code of the bytes from ``start`` to before ``end``: exact up to seven bytes."""
    code = 0
    for at in range(start, min(end, start + _PACKED_BYTES)):
        code = (code << 8) | int(text[at])
    return code | (min(end - start, 127) << (8 * _PACKED_BYTES))


@kernel
def skip_blank(text: Text, at: int, end: int) -> int:
    """Return the next position that holds no blank."""
    while at < end and int(text[at]) <= _BLANK:
        at += 1
    return at


@kernel
def skip_string(text: Text, at: int, end: int) -> int:
    """Return the position after the string that begins (with its quote) at ``at``."""
    at += 1
    while at < end:
        byte = int(text[at])
        if byte == _QUOTE:
            return at + 1
        at += 2 if byte == _ESCAPE else 1
    return BROKEN


@kernel
def skip_value(text: Text, at: int, end: int) -> int:
    """Return the position after the value that begins at ``at``; brackets must match in number."""
    first = int(text[at])
    if first == _QUOTE:
        return skip_string(text, at, end)
    if first != _OPEN_OBJECT and first != _OPEN_ARRAY:
        start = at
        while at < end:
            byte = int(text[at])
            if byte == _COMMA or byte == _CLOSE_OBJECT or byte == _CLOSE_ARRAY or byte <= _BLANK:
                break
            at += 1
        return at if at > start else BROKEN
    depth = 0
    while at < end:
        byte = int(text[at])
        if byte == _QUOTE:
            at = skip_string(text, at, end)
            if at == BROKEN:
                return BROKEN
            continue
        if byte == _OPEN_OBJECT or byte == _OPEN_ARRAY:
            depth += 1
        elif byte == _CLOSE_OBJECT or byte == _CLOSE_ARRAY:
            depth -= 1
            if depth == 0:
                return at + 1
        at += 1
    return BROKEN


@kernel
def skip_levels(text: Text, at: int, end: int) -> int:
    """Return the position after an array of arrays without deeper ones; any other value is skipped as such."""
    if int(text[at]) == _OPEN_ARRAY and at + 1 < end and int(text[at + 1]) == _OPEN_ARRAY:
        stop = at + 2
        while stop + 1 < end and not (
            int(text[stop]) == _CLOSE_ARRAY and int(text[stop + 1]) == _CLOSE_ARRAY
        ):
            stop += 1
        if stop + 2 < end and (int(text[stop + 2]) == _COMMA or int(text[stop + 2]) == _CLOSE_OBJECT):
            return stop + 2
    return skip_value(text, at, end)


@kernel
def scan_object(text: Text, at: int, end: int, keys: IntArray, found: IntArray) -> int:
    """Find where the values of an object begin, and of the object in it that the first wanted key names.

    Parameters
    ----------
    text : Text
    at : int
        position of the opening brace
    end : int
        position after the text
    keys : array
        codes of the keys that are wanted; the first is that of an object whose keys are looked for too
    found : array
        changed: per wanted key the position of its value, or BROKEN if there is none

    Returns
    -------
    int : position after the object, or BROKEN
    """
    found[:] = BROKEN
    if at >= end or int(text[at]) != _OPEN_OBJECT:
        return BROKEN
    at = skip_blank(text, at + 1, end)
    inside = False
    if at < end and int(text[at]) == _CLOSE_OBJECT:
        return at + 1
    while at < end and int(text[at]) == _QUOTE:
        after = skip_string(text, at, end)
        if after == BROKEN:
            return BROKEN
        code = span_code(text, at + 1, after - 1)
        at = skip_blank(text, after, end)
        if at >= end or int(text[at]) != _COLON:
            return BROKEN
        at = skip_blank(text, at + 1, end)
        if at >= end:
            return BROKEN
        for number in range(len(keys)):
            if keys[number] == code:
                found[number] = at
                break
        if code == keys[0] and not inside and int(text[at]) == _OPEN_OBJECT:
            inside = True
            at = skip_blank(text, at + 1, end)
            if at < end and int(text[at]) == _QUOTE:
                continue
        else:
            at = skip_levels(text, at, end)
            if at == BROKEN:
                return BROKEN
            at = skip_blank(text, at, end)
        while at < end and int(text[at]) == _CLOSE_OBJECT:
            at += 1
            if not inside:
                return at
            inside = False
            at = skip_blank(text, at, end)
        if at >= end or int(text[at]) != _COMMA:
            return BROKEN
        at = skip_blank(text, at + 1, end)
    return BROKEN


@kernel
def read_decimal(text: Text, at: int, end: int) -> tuple[float, int]:
    """Return a decimal, in quotes or bare, as the nearest float64, and the position after it or NO_NUMBER.

    No exponent, at most 15 digits that count: the significand stays below 2**53 and the power of ten is exact, so
    that the one division rounds correctly (W. D. Clinger, How to Read Floating Point Numbers Accurately, 1990).
    """
    quoted = at < end and int(text[at]) == _QUOTE
    if quoted:
        at += 1
    negative = at < end and int(text[at]) == _MINUS
    if negative:
        at += 1
    stop, point = at, -1
    while stop < end:
        byte = int(text[stop])
        if byte == _POINT and point < 0:
            point = stop
        elif byte < _ZERO or byte > _NINE:
            break
        stop += 1
    after = stop + 1 if quoted else stop
    if (
        stop == at
        or point == at
        or point == stop - 1
        or (quoted and (stop >= end or int(text[stop]) != _QUOTE))
    ):
        return 0.0, NO_NUMBER
    if point >= 0:
        while int(text[stop - 1]) == _ZERO:
            stop -= 1
    places = stop - point - 1 if point >= 0 else 0
    number = 0
    for place in range(at, stop):
        if place != point:
            number = number * 10 + (int(text[place]) - _ZERO)
            if number >= _EXACT_MAX:
                return 0.0, NO_NUMBER
    if places >= len(_POWERS):
        return 0.0, NO_NUMBER
    value = number / _POWERS[places]
    return (-value if negative else value), after


@kernel
def read_integer(text: Text, at: int, end: int) -> tuple[int, int]:
    """Return a bare integer >= 0 below 10**18 and the number of its digits; 0 digits if there is none."""
    number = digits = 0
    while at < end and _ZERO <= int(text[at]) <= _NINE:
        number = number * 10 + (int(text[at]) - _ZERO)
        digits += 1
        at += 1
        if digits > 18:
            return 0, 0
    if at < end:
        after = int(text[at])
        if after > _BLANK and after != _COMMA and after != _CLOSE_OBJECT and after != _CLOSE_ARRAY:
            return 0, 0
    return number, digits


@kernel
def read_pair(text: Text, at: int, end: int) -> tuple[float, float, int]:
    """Return the two decimals of ``[a, b]`` and the position after it, BROKEN, or NO_NUMBER."""
    if at >= end or int(text[at]) != _OPEN_ARRAY:
        return 0.0, 0.0, BROKEN
    first, at = read_decimal(text, skip_blank(text, at + 1, end), end)
    if at == NO_NUMBER:
        return 0.0, 0.0, NO_NUMBER
    at = skip_blank(text, at, end)
    if at >= end or int(text[at]) != _COMMA:
        return 0.0, 0.0, BROKEN
    second, at = read_decimal(text, skip_blank(text, at + 1, end), end)
    if at == NO_NUMBER:
        return 0.0, 0.0, NO_NUMBER
    at = skip_blank(text, at, end)
    if at >= end or int(text[at]) != _CLOSE_ARRAY:
        return 0.0, 0.0, BROKEN
    return first, second, at + 1


@kernel
def next_item(text: Text, at: int, end: int, first: bool) -> int:
    """Return where the next item of an array begins, BROKEN, or -position - 2 after its closing bracket.

    ``at`` is the opening bracket for the first item, else the position after the item before.
    """
    at = skip_blank(text, at + 1 if first else at, end)
    if at >= end:
        return BROKEN
    if int(text[at]) == _CLOSE_ARRAY:
        return -(at + 1) - 2
    if first:
        return at
    if int(text[at]) != _COMMA:
        return BROKEN
    return skip_blank(text, at + 1, end)
