"""Market data named by venue, instrument and time instead of by files."""

import re
from typing import Annotated, Final, Self

from pydantic import AfterValidator, Field, model_validator

from ..model.errors import ConfigError
from .data_root import DATA_ROOT, DATA_ROOT_VARIABLE
from .fields import Problem, Section, raise_problems, show
from .times import TIME_TEXT, parse_time_ns, time_text

FOLDER_RULE: Final = "1 to 64 letters, digits or ._:@-, the first a letter, digit or @"
FOLDER_NAME: Final = r"^[A-Za-z0-9@][A-Za-z0-9._:@-]{0,63}$"  # a name of one folder: no path can hide in it


def _canonical(text: str) -> str:
    try:
        return time_text(parse_time_ns(text, ""))
    except ConfigError as error:
        raise_problems([Problem("", str(error).strip())])
        raise AssertionError("unreachable: raise_problems raises for one problem") from None


def _folder_name(text: str) -> str:
    if not re.fullmatch(FOLDER_NAME, text):
        raise_problems([Problem("", f"must be {FOLDER_RULE}, was {show(text)}")])
    return text


UtcTime = Annotated[str, AfterValidator(_canonical), Field(json_schema_extra={"pattern": TIME_TEXT})]
FolderName = Annotated[str, AfterValidator(_folder_name), Field(json_schema_extra={"pattern": FOLDER_NAME})]


class DataRange(Section):
    """A range of the catalogue: what we received at ``start`` or later, and before ``end``."""

    venue: FolderName = Field(description="folder of the venue", examples=["binance-usdm"])
    instrument: FolderName = Field(
        description="folder of the instrument, the venue's symbol", examples=["BTCUSDT"]
    )
    start: UtcTime = Field(
        description="first time of receipt, ISO 8601, UTC", examples=["2024-08-08T23:55:00Z"]
    )
    end: UtcTime = Field(
        description="end of the times of receipt, not included, ISO 8601, UTC",
        examples=["2024-08-09T00:00:00Z"],
    )
    root: str | None = Field(
        default=None,
        min_length=1,
        description=f"directory of the catalogue, relative to the config file; if left out ${DATA_ROOT_VARIABLE}, "
        f"else ./{DATA_ROOT} where the command is run",
        examples=["data"],
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.start_ns >= self.end_ns:
            text = f"must be after start ({show(self.start)}), was {show(self.end)}"
            raise_problems([Problem("end", text)])
        return self

    @property
    def start_ns(self) -> int:
        """First time of receipt [ns]."""
        return parse_time_ns(self.start, "start")

    @property
    def end_ns(self) -> int:
        """End of the times of receipt [ns], not included."""
        return parse_time_ns(self.end, "end")
