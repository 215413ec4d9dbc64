"""What a call of the command line gave."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Answer:
    """What one command gave."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one JSON value that standard output must hold."""
        return json.loads(self.out)


Command = Callable[..., Answer]
