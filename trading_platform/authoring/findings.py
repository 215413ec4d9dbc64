"""What a check can find: one problem in plain words, with its place and what helps."""

from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

Severity = Literal["error", "warning"]
ERROR: Final = "error"
WARNING: Final = "warning"


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong (error) or odd (warning). ``file`` is empty and ``line`` 0 where there is no place."""

    code: str
    severity: Severity
    file: str
    line: int
    text: str
    cure: str

    def to_json(self) -> dict[str, Any]:
        """Return the finding as a JSON object."""
        return asdict(self)


def finding_from_json(value: dict[str, Any]) -> Finding:
    """Return the finding of a JSON object of `Finding.to_json`."""
    return Finding(**value)
