"""Make the example results of tests/data/results: the debug strategy on the first bundled part, as two files.

``python tests/data/scripts/make_results.py [DIRECTORY]``. The same bytes every time (tests/backtest checks it).
"""

import shutil
import sys
import tempfile
from pathlib import Path

from trading_platform.backtest.engine import run_backtest
from trading_platform.config.load import load_config
from trading_platform.eventlog.export import LogNames, export_jsonl
from trading_platform.eventlog.reader import open_log

ROOT = Path(__file__).resolve().parents[3]
WAKEUPS = 500  # keeps events.json below 1 MB


def make_results(directory: Path) -> None:
    """Write ``stats.npz`` and ``events.json``, replacing what is there."""
    config = load_config(ROOT / "examples" / "local" / "local.json", {"engine.max_wakeups": WAKEUPS})
    directory.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        run.mkdir()
        run_backtest(config, run)
        shutil.copy(run / "stats.npz", directory / "stats.npz")
        (directory / "events.json").unlink(missing_ok=True)
        names = LogNames((config.instrument.name,), ("0",), (config.id,))
        export_jsonl(open_log(run / "events.bin").events, names, directory / "events.json")


if __name__ == "__main__":
    make_results(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "tests" / "data" / "results")
