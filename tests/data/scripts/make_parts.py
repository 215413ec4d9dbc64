"""Write the bundled market: three consecutive event files of synthetic order flow, and what they hold.

Run `python tests/data/scripts/make_parts.py` from the repository after a change of the simulator, and commit
the result. The rows are the same on every machine; the compressed bytes also depend on the zlib that packs
them, so `parts.json` names the SHA-256 of the rows.
"""

import argparse
import hashlib
import json
from pathlib import Path

import numpy as np

from trading_platform.data.files import save_events, write_atomically
from trading_platform.data.order import split_parts
from trading_platform.data.synth import synthesize

PARTS = Path(__file__).resolve().parent.parent / "parts"
SEED = 20_240_801
START_NS = 1_722_470_400_000_000_000  # 2024-08-01 00:00 UTC
DURATION_NS = 750 * 10**9
COUNT = 3


def part_facts(name: str, rows: np.ndarray) -> dict[str, object]:
    """Return name, number of rows and the SHA-256 of the rows' bytes (64 each)."""
    digest = hashlib.sha256(np.ascontiguousarray(rows).tobytes()).hexdigest()
    return {"file": name, "rows": len(rows), "rows_sha256": digest}


def make_rows() -> list[np.ndarray]:
    """Return the rows of each part."""
    return split_parts(synthesize(SEED, START_NS, DURATION_NS), COUNT)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=PARTS, help="directory (default: tests/data/parts)")
    out = parser.parse_args().out
    facts = []
    for number, rows in enumerate(make_rows()):
        name = f"part-{number:03}.npz"
        save_events(out / name, rows, overwrite=True)
        facts.append(part_facts(name, rows))
    manifest = {"seed": SEED, "start_ns": START_NS, "duration_ns": DURATION_NS, "parts": facts}
    text = json.dumps(manifest, indent=2) + "\n"
    write_atomically(out / "parts.json", lambda file: file.write(text.encode()), overwrite=True)


if __name__ == "__main__":
    main()
