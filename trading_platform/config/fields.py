"""What the models share: closed and frozen base, exact decimals, problems with a place."""

import json
import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Final, NamedTuple, NoReturn

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer
from pydantic_core import PydanticCustomError

from ..model.errors import ConfigError
from ..model.units import seconds_to_ns, steps_exact

DECIMAL_TEXT: Final = r"^-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?$"
DECIMAL_PLACES_MAX: Final = 18
DECIMAL_DIGITS_MAX: Final = 18  # before the point: exact arithmetic stays small whatever a file says
RATE_STEP: Final = Decimal("1e-9")
NS_PER_S: Final = 10**9
PROBLEMS: Final = "config_problems"  # type of the pydantic errors that carry a list of `Problem`


class Problem(NamedTuple):
    """One thing that is wrong. ``key`` is relative to the model that found it, "" for the model itself."""

    key: str
    text: str  # continues the key: "must be X, was Y"


class Section(BaseModel):
    """Base of all sections: frozen, closed, strict. A typo is an error, a bool is no number."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        allow_inf_nan=False,
        validate_default=True,
        defer_build=True,  # only what is used: the whole config builds its sections as parts of it
    )


def join_key(place: str, key: str) -> str:
    """Return the dotted key of ``key`` below ``place``; either may be empty, and an index needs no dot."""
    return f"{place}.{key}" if place and key and not key.startswith("[") else place + key


def raise_problems(problems: list[Problem]) -> None:
    """Raise what a model validator found, all at once, in the form that load.py puts into lines."""
    if problems:
        lines = "; ".join(f"{key} {text}".strip() for key, text in problems)
        raise PydanticCustomError(PROBLEMS, "{lines}", {"lines": lines, "problems": problems})


def grid_problems(
    convert: Callable[[Decimal, str], int],
    value: Decimal | None,
    key: str,
    most: int = (1 << 62) - 1,
    unit: str = "steps",
) -> Iterator[Problem]:
    """Yield the problem of a value that ``convert(value, name)`` refuses or maps beyond ``most``."""
    if value is None:
        return
    try:
        count = convert(value, key)
    except ConfigError as error:
        yield Problem(key, str(error).removeprefix(f"{key} "))
        return
    if abs(count) > most:
        yield Problem(key, f"must be at most {most} {unit}, was {show(value)} ({abs(count)} {unit})")


def only_with(model: Section, keys: tuple[str, ...], needed: bool, what: str) -> list[Problem]:
    """Return the problems of keys that must be given exactly if ``needed``; ``what`` names that case."""
    if needed:
        return [Problem(key, f"is required for {what}") for key in keys if getattr(model, key) is None]
    return [
        Problem(key, f"must be left out unless {what}, was {show(getattr(model, key))}")
        for key in keys
        if getattr(model, key) is not None
    ]


def any_of(model: Section, keys: tuple[str, ...]) -> list[Problem]:
    """Return a problem if none of ``keys`` is given: a section without a limit would look like one."""
    if any(getattr(model, key) is not None for key in keys):
        return []
    return [Problem("", f"must set at least one of {', '.join(keys)}; leave the section out for no limit")]


def decimal_text(value: Decimal) -> str:
    """Return the one text of a number: no exponent, no trailing zeros, no minus zero."""
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def show(value: Any) -> str:
    """Return a value of the file as the file would write it, cut to 80 characters."""
    if isinstance(value, Decimal):
        text = decimal_text(value) if value.is_finite() and abs(value.adjusted()) < 40 else str(value)
    elif isinstance(value, bool) or value is None:
        text = {True: "true", False: "false", None: "null"}[value]
    elif isinstance(value, str | Path):
        printable = str(value).encode("utf-8", "backslashreplace").decode()
        text = json.dumps(printable, ensure_ascii=False)  # one line, whatever is in it
    elif isinstance(value, dict):
        text = "an object"
    elif isinstance(value, list | tuple):
        text = f"a list of {len(value)}"
    else:
        text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _refuse(text: str) -> NoReturn:
    raise_problems([Problem("", text)])
    raise AssertionError("unreachable: raise_problems raises for one problem")


def _exact(value: Any) -> Decimal:
    """Return a JSON number or decimal text as a Decimal. A float is refused: its decimals are lost."""
    if isinstance(value, float):
        _refuse(f'must be an exact decimal such as "0.1", was the float {value!r}: write it as a string')
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        _refuse(f"must be a number, was {show(value)}")
    if isinstance(value, str) and not re.fullmatch(DECIMAL_TEXT, value):
        _refuse(f'must be a number such as 0.1 or "0.1", was {show(value)}')
    number = Decimal(value)
    if not number.is_finite():
        _refuse(f"must be a finite number, was {value}")
    small = number == 0 or -DECIMAL_PLACES_MAX <= number.adjusted() < DECIMAL_DIGITS_MAX
    if not small or len(decimal_text(number).partition(".")[2]) > DECIMAL_PLACES_MAX:
        _refuse(
            f"must have at most {DECIMAL_DIGITS_MAX} digits before and {DECIMAL_PLACES_MAX} after the point, "
            f"was {show(value)}"
        )
    return number


def _on_rate_grid(value: Decimal) -> Decimal:
    raise_problems(list(grid_problems(lambda number, key: steps_exact(number, RATE_STEP, key), value, "")))
    return value


def _in_whole_ns(value: Decimal) -> Decimal:
    raise_problems(list(grid_problems(seconds_to_ns, value, "")))
    return value


def _pattern(pattern: str, what: str) -> AfterValidator:
    def check(value: str) -> str:
        if not re.fullmatch(pattern, value):
            _refuse(f"must be {what}, was {show(value)}")
        return value

    return AfterValidator(check)


def _absolute(value: Any) -> Path:
    if not isinstance(value, str | Path) or not str(value):
        _refuse(f"must be a path, was {show(value)}")
    path = Path(value)
    if path.suffix not in (".npy", ".npz"):
        _refuse(f"must be a .npy or .npz file in hftbacktest's format, was {show(value)}")
    if not path.is_absolute():
        _refuse(f"must be absolute (load_config makes it so), was {show(value)}")
    return path


_ID: Final = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
_INSTRUMENT: Final = r"^[A-Za-z0-9][A-Za-z0-9._:/-]{0,63}$"
_CURRENCY: Final = r"^[A-Za-z0-9]{1,16}$"
_CLASS_PATH: Final = r"^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*:[A-Za-z_][A-Za-z0-9_]*$"
_TO_TEXT: Final = PlainSerializer(decimal_text, return_type=str)
_EXACT: Final = BeforeValidator(_exact)

Number = Annotated[Decimal, _EXACT, _TO_TEXT]
Positive = Annotated[Decimal, Field(gt=0), _EXACT, _TO_TEXT]
NotNegative = Annotated[Decimal, Field(ge=0), _EXACT, _TO_TEXT]
FeeRate = Annotated[
    Decimal, Field(gt=Decimal("-0.1"), lt=Decimal("0.1")), AfterValidator(_on_rate_grid), _EXACT, _TO_TEXT
]
Collar = Annotated[Decimal, Field(ge=0, le=Decimal("0.5")), AfterValidator(_on_rate_grid), _EXACT, _TO_TEXT]
OrderRate = Annotated[Decimal, Field(ge=Decimal("0.000001"), le=10**9), _EXACT, _TO_TEXT]
Seconds = Annotated[Decimal, Field(gt=0, le=3600), AfterValidator(_in_whole_ns), _EXACT, _TO_TEXT]
SecondsOrOff = Annotated[Decimal, Field(ge=0, le=3600), AfterValidator(_in_whole_ns), _EXACT, _TO_TEXT]
WindowSeconds = Annotated[Decimal, Field(gt=0, le=31_622_400), AfterValidator(_in_whole_ns), _EXACT, _TO_TEXT]
Id = Annotated[
    str,
    _pattern(_ID, "1 to 64 letters, digits, dots, dashes or underscores, the first a letter or digit"),
    Field(json_schema_extra={"pattern": _ID}),
]
InstrumentName = Annotated[
    str,
    _pattern(_INSTRUMENT, "1 to 64 letters, digits or ._:/-, the first a letter or digit"),
    Field(json_schema_extra={"pattern": _INSTRUMENT}),
]
Currency = Annotated[
    str,
    _pattern(_CURRENCY, "1 to 16 letters or digits, such as USDT"),
    Field(json_schema_extra={"pattern": _CURRENCY}),
]
ClassPath = Annotated[
    str,
    _pattern(_CLASS_PATH, 'module:Name, such as "trading_platform.strategies.debug:DebugStrategy"'),
    Field(json_schema_extra={"pattern": _CLASS_PATH}),
]
DataPath = Annotated[
    Path,
    BeforeValidator(_absolute),
    PlainSerializer(str, return_type=str),
    Field(json_schema_extra={"pattern": r"\.np[yz]$"}),
]
