"""Convert a recording with our converter and with hftbacktest's, in turn, and print how much faster ours is.

    python scripts/bench_convert.py RECORDING [--source binance-usdm] [--rounds 7] [--json]

Both are warm: compiled, the file in the page cache. Ours hashes, orders, cuts into days and writes to disk;
hftbacktest's returns the ordered rows in memory. The rows are compared: fast and wrong would be no converter.
"""

import argparse
import contextlib
import io
import json
import platform
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("recording", type=Path)
    parser.add_argument("--source", default="binance-usdm", choices=("binance-usdm", "binance-coinm"))
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--json", action="store_true", help="print one JSON value")
    arguments = parser.parse_args()
    if arguments.rounds < 1:
        sys.exit(f"--rounds must be >= 1, was {arguments.rounds}")
    if not arguments.recording.is_file():
        sys.exit(f"{arguments.recording}: must be a recording")
    ours, theirs, rows = measure(arguments.source, arguments.recording, arguments.rounds)
    report(ours, theirs, rows, arguments.json)


def measure(source: str, path: Path, rounds: int) -> tuple[list[float], list[float], int]:
    """Return the seconds of each round of both, and the rows; the first round of each compiles and is not counted."""
    from hftbacktest.data.utils import binancefutures

    from trading_platform.data.convert import BASE_LATENCY_NS, convert
    from trading_platform.data.files import load_events

    ours: list[float] = []
    theirs: list[float] = []
    made = expected = b""
    buffer_rows = 1_000_000
    for number in range(rounds + 1):
        with tempfile.TemporaryDirectory() as folder:
            started = time.perf_counter()
            result = convert(source, [path], folder)
            ours.append(time.perf_counter() - started)
            if not number:
                made = np.concatenate([load_events(file.path) for file in result.files]).tobytes()
                buffer_rows = 2 * sum(file.rows for file in result.files)
        with contextlib.redirect_stdout(io.StringIO()):
            started = time.perf_counter()
            rows = binancefutures.convert(str(path), base_latency=BASE_LATENCY_NS, buffer_size=buffer_rows)
            theirs.append(time.perf_counter() - started)
        if not number:
            expected = rows.tobytes()
    if made != expected:
        sys.exit("the rows of the two converters differ")
    return ours[1:], theirs[1:], len(rows)


def report(ours: list[float], theirs: list[float], rows: int, as_json: bool) -> None:
    mine, other = statistics.median(ours), statistics.median(theirs)
    facts = {
        "ours_s": [round(seconds, 4) for seconds in ours],
        "hftbacktest_s": [round(seconds, 4) for seconds in theirs],
        "ours_median_s": round(mine, 4),
        "hftbacktest_median_s": round(other, 4),
        "ratio": round(other / mine, 2),
        "rows": rows,
        "rows_per_s": round(rows / mine),
        "python": platform.python_version(),
    }
    if as_json:
        print(json.dumps(facts))
        return
    print(f"rows         {rows:,}, equal")
    print(f"ours         {mine:.3f} s (median of {len(ours)}), {rows / mine:,.0f} rows/s")
    print(f"hftbacktest  {other:.3f} s")
    print(f"ratio        {other / mine:.2f}")


if __name__ == "__main__":
    main()
