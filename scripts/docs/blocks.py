"""The code blocks of a page, in order: what they are, and where."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

LANGUAGES: Final = frozenset({"bash", "console", "json", "mermaid", "python", "text"})
_FENCE: Final = re.compile(r"^( *)```(\w*) *(.*)$")
_TITLE: Final = re.compile(r'title="([^"]+)"')


@dataclass(frozen=True)
class Block:
    """One fenced block.

    Attributes
    ----------
    language : what the fence says
    title : name of the file that the block is, "" for none
    first, last : indices of its lines in the page, without the fences
    lines : its lines, without the indentation of the fence
    """

    page: Path
    language: str
    title: str
    first: int
    last: int
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        """The lines as one text."""
        return "".join(f"{line}\n" for line in self.lines)

    @property
    def place(self) -> str:
        """Page and line, for messages."""
        return f"{self.page.name}:{self.first + 1}"


def blocks(page: Path) -> list[Block]:
    """Return the fenced blocks of a page.

    Raises
    ------
    ValueError : a block is not closed
    """
    found: list[Block] = []
    lines = page.read_text(encoding="utf-8").splitlines()
    index = 0
    while index < len(lines):
        opening = _FENCE.match(lines[index])
        index += 1
        if opening is None:
            continue
        first, indent = index, len(opening[1])
        while index < len(lines) and lines[index].strip() != "```":
            index += 1
        if index == len(lines):
            raise ValueError(f"{page}:{first}: the block must be closed")
        title = _TITLE.search(opening[3])
        inner = tuple(line[indent:] for line in lines[first:index])
        found.append(Block(page, opening[2], title[1] if title else "", first, index, inner))
        index += 1
    return found
