"""The engine's process: hftbacktest aborts on what it does not expect, and must not take the tool with it.

``python -m trading_platform.backtest.runtime.child`` reads one JSON request from standard input (config, directory,
search) and answers in JSON lines on standard output: ``{"now_ns", "last_ns"}`` while it runs, then
``{"status": "done"}`` or ``{"status": ..., "error", "exit_code"}``. The run record is the result; the lines are for
the parent's display.
"""

import json
import signal
import sys
from pathlib import Path
from typing import Any

from ...model.errors import TradingPlatformError

INTERRUPTED = 130


def main() -> int:
    """Serve one request."""
    signal.signal(signal.SIGTERM, _interrupt)
    request = json.load(sys.stdin)
    try:
        # imported here: what fails while compiling or loading the engine is an answer too, not a dead pipe
        from ...config.load import config_from_dict
        from ..engine import run_backtest

        directory = Path(request["directory"])
        config = config_from_dict(request["config"], directory)
        search = Path(request["search"]) if request["search"] else None
        run_backtest(config, directory, search=search, progress=_progress)
    except KeyboardInterrupt:
        return _answer("interrupted", "stopped by the user", INTERRUPTED)
    except TradingPlatformError as error:
        return _answer("failed", f"{type(error).__name__}: {error}", error.exit_code)
    except Exception as error:  # noqa: BLE001 (the record holds the traceback; the parent needs an answer)
        return _answer("failed", f"{type(error).__name__}: {error}", 1)
    return _answer("done", "", 0)


def _interrupt(_number: int, _frame: Any) -> None:
    raise KeyboardInterrupt


def _progress(now_ns: int, last_ns: int) -> None:
    print(json.dumps({"now_ns": now_ns, "last_ns": last_ns}), flush=True)


def _answer(status: str, error: str, exit_code: int) -> int:
    print(json.dumps({"status": status, "error": error, "exit_code": exit_code}), flush=True)
    return exit_code


if __name__ == "__main__":
    sys.exit(main())
