"""The layers of the package as a diagram, made from the import contract in pyproject.toml."""

import importlib
import tomllib
from collections.abc import Iterator
from pathlib import Path

from .markdown import NOTE, code, mermaid, table


def contract(repository: Path) -> list[list[str]]:
    """Return the layers from the top: the names of the packages in each."""
    settings = tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = settings["tool"]["importlinter"]["contracts"]
    (layers,) = (one["layers"] for one in contracts if one["type"] == "layers")
    return [[name.strip() for name in layer.split("|")] for layer in layers]


def layers(repository: Path) -> str:
    """Return the diagram and a table of what each package is for."""
    found = contract(repository)
    rows = [(code(name), _summary(name)) for layer in found for name in layer]
    return NOTE + mermaid(["flowchart TB", *_boxes(found)]) + "\n" + table(("package", "what it is"), rows)


def _boxes(found: list[list[str]]) -> Iterator[str]:
    for index, layer in enumerate(found):
        yield f'    L{index}["{" · ".join(layer)}"]'
    for index in range(1, len(found)):
        yield f"    L{index - 1} --> L{index}"


def _summary(name: str) -> str:
    """Return the first sentence of a package's docstring."""
    text = importlib.import_module(f"trading_platform.{name}").__doc__ or ""
    return text.strip().split("\n\n")[0]
