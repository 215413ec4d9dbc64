"""Where the project's own files are."""

from pathlib import Path
from typing import Final

REPOSITORY: Final = Path(__file__).resolve().parents[2]
PACKAGE: Final = REPOSITORY / "trading_platform"
_GENERATED: Final = frozenset({"build", "data", "dist", "runs"})  # at the top; see .gitignore


def project_files() -> list[Path]:
    """Return the files that belong to the project: no caches, environments or results."""
    found: list[Path] = []
    for top in sorted(REPOSITORY.iterdir()):
        if top.name in _GENERATED or top.name.endswith(".egg-info"):
            continue
        if top.is_file():
            found.append(top)
        elif top.name in (".ci", ".devcontainer") or not top.name.startswith("."):
            found.extend(
                path for path in sorted(top.rglob("*")) if path.is_file() and "__pycache__" not in path.parts
            )
    return found
