"""Times at the edge: ISO 8601 text, UTC, exact to the nanosecond. Inside they are ns since 1970."""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from ..model.errors import ConfigError

NS_PER_S: Final = 1_000_000_000
NS_PER_DAY: Final = 86_400 * NS_PER_S
TIME_NS_MAX: Final = 4_102_444_800 * NS_PER_S  # 2100-01-01
_DAY: Final = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_CLOCK: Final = r"[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,9})?)?(Z|[+-][0-9]{2}:[0-9]{2})?"
TIME_TEXT: Final = rf"^{_DAY}([T ]{_CLOCK})?$"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_FORM: Final = "an ISO 8601 time such as 2024-08-08T23:54:00.123456789Z (UTC, if no offset is given)"


def parse_time_ns(text: str, name: str) -> int:
    """Return a time as ns since 1970, exact to the nanosecond; without an offset it is UTC, a date is its midnight.

    Raises
    ------
    ConfigError : no ISO 8601 time, or not of 1970 to 2100; begins with ``name``
    """
    if not re.fullmatch(TIME_TEXT, text):
        raise ConfigError(f"{name} must be {_FORM}, was {text[:60]!r}")
    whole, _, rest = text.partition(".")
    digits = re.match(r"[0-9]*", rest)
    assert digits is not None
    try:
        when = datetime.fromisoformat(whole + rest[digits.end() :])
    except ValueError as error:
        raise ConfigError(f"{name} must be {_FORM}, was {text!r} ({error})") from None
    since = (when if when.tzinfo else when.replace(tzinfo=UTC)) - _EPOCH
    seconds = since // timedelta(seconds=1)
    ns = seconds * NS_PER_S + int(digits.group().ljust(9, "0"))
    if not 0 < ns < TIME_NS_MAX:
        raise ConfigError(f"{name} must be a time of 1970 to 2100, was {text!r}")
    return ns


def time_text(ns: int) -> str:
    """Return the one text of a time [ns since 1970]: UTC, with as many decimals as it needs."""
    seconds, fraction = divmod(ns, NS_PER_S)
    text = (_EPOCH + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S")
    decimals = f".{fraction:09}".rstrip("0") if fraction else ""
    return f"{text}{decimals}Z"


def day_text(ns: int) -> str:
    """Return the UTC day of a time [ns since 1970] as YYYY-MM-DD."""
    return time_text(ns)[:10]


def days_of(start_ns: int, end_ns: int) -> list[str]:
    """Return the UTC days that the half-open range [start_ns, end_ns) touches, in order."""
    first, last = start_ns // NS_PER_DAY, (end_ns - 1) // NS_PER_DAY
    return [day_text(day * NS_PER_DAY) for day in range(first, last + 1)]
