"""Run a backtest from a JSON config, the classic way: ``python examples/local/backtest.py --config FILE``.

The same as ``trading-platform run --config FILE``, through the library and in this process.
"""

import argparse
import sys
from pathlib import Path

from rich.console import Console

from trading_platform.backtest.engine import run_backtest
from trading_platform.config.load import load_config
from trading_platform.model.errors import TradingPlatformError
from trading_platform.record.run import new_run_directory
from trading_platform.report.result import print_result


def main() -> int:
    """Run, print the summary, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=Path, required=True, help="JSON configuration")
    path: Path = parser.parse_args().config
    try:
        config = load_config(path)
        directory = new_run_directory(Path(config.output.directory), config.id, config.output.run_id)
        record = run_backtest(config, directory, search=path.resolve().parent)
    except TradingPlatformError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return error.exit_code
    print_result(record["summary"], Console())
    print(f"wrote {directory}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
