"""Step 10: one strategy in both forms: ``python examples/ladder/10_two_forms/compare_forms.py``.

TouchMaker is a class that Python runs, touch_maker the same as a compiled function. Their logs are equal byte by byte.
"""

import sys
from pathlib import Path

from trading_platform.backtest.engine import run_backtest
from trading_platform.config.load import load_config
from trading_platform.model.errors import TradingPlatformError
from trading_platform.record.run import new_run_directory, read_run

CONFIG = Path(__file__).with_name("two_forms.json")
FORMS = {
    "interpreted": "trading_platform.strategies.touch_maker:TouchMaker",
    "compiled": "trading_platform.strategies.touch_maker:touch_maker",
}


def run_forms(parent: Path | None = None) -> dict[str, Path]:
    """Run both forms and return their run directories, made in ``parent`` or where the config says."""
    directories = {}
    for form, class_path in FORMS.items():
        config = load_config(CONFIG, {"strategy.class_path": class_path})
        directory = new_run_directory(parent or Path(config.output.directory), f"{config.id}-{form}", None)
        run_backtest(config, directory)
        directories[form] = directory
    return directories


def main() -> int:
    """Print speed and digest of both. The exit code is 1 if the digests differ."""
    try:
        directories = run_forms()
    except TradingPlatformError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return error.exit_code
    digests = set()
    for form, directory in directories.items():
        record = read_run(directory)
        digests.add(record["log_digest"])
        print(f"{form:<12} {record['wakeups_per_second']:>9,.0f} wakeups/s  {record['log_digest']}")
    print("the logs are equal" if len(digests) == 1 else "the logs DIFFER")
    print(f"next: trading-platform diff {' '.join(map(str, directories.values()))}")
    return len(digests) - 1


if __name__ == "__main__":
    sys.exit(main())
