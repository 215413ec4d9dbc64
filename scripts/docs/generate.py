"""Write the pages and diagrams that are made from the code; ``--check`` only says which are out of date.

Run from the top of the project: ``python -m scripts.docs.generate``.
"""

import sys
from pathlib import Path
from typing import Final

from .cli_page import cli_page
from .events_page import events_page
from .layers import layers
from .run_record import run_record_page
from .schema_tables import config_page
from .state_diagrams import order_pending, order_status

REPOSITORY: Final = Path(__file__).resolve().parents[2]


def documents() -> dict[Path, str]:
    """Return what each generated file must hold."""
    docs = REPOSITORY / "docs"
    return {
        docs / "generated" / "order_status.md": order_status(),
        docs / "generated" / "order_pending.md": order_pending(),
        docs / "generated" / "layers.md": layers(REPOSITORY),
        docs / "reference" / "cli.md": cli_page(),
        docs / "reference" / "config.md": config_page(),
        docs / "reference" / "events.md": events_page(),
        docs / "reference" / "run_record.md": run_record_page(),
    }


def outdated() -> list[Path]:
    """Return the files that do not hold what they must."""
    return [
        path
        for path, text in documents().items()
        if not path.is_file() or path.read_text(encoding="utf-8") != text
    ]


def main() -> int:
    """Write, or check; return the exit code."""
    stale = outdated()
    for path in stale:
        if "--check" not in sys.argv[1:]:
            path.parent.mkdir(exist_ok=True)
            path.write_text(documents()[path], encoding="utf-8")
        print(f"{'outdated' if '--check' in sys.argv[1:] else 'wrote'} {path.relative_to(REPOSITORY)}")
    return int(bool(stale) and "--check" in sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
