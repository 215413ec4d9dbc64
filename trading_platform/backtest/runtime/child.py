"""The engine's process: hftbacktest aborts on what it does not expect, and must not take the tool with it.

``python -m trading_platform.backtest.runtime.child`` loads the engine, reads one JSON request from standard input
(config, directory, search, logs; nothing at all: it ends) and answers in JSON lines on standard output: ``{"phase"}``
and ``{"now_ns", "last_ns"}`` while it runs, then ``{"status", "error", "exit_code"}``. The run record is the result;
the lines are for the parent's display.
"""

import contextlib
import gc
import json
import os
import signal
import sys
from pathlib import Path
from typing import IO, Any

from ...model.errors import TradingPlatformError
from .logs import LogSettings, RunLog

INTERRUPTED = 130
TOOL_GONE = "the tool that started the run is gone (killed?)"


def main() -> int:
    """Serve one request. The garbage collector does not walk what is loaded here: a fifth of a second a run."""
    gc.disable()
    try:
        return _serve()
    finally:
        gc.freeze()


def _serve() -> int:
    answers = _take_over_standard_output()
    signal.signal(signal.SIGTERM, _interrupt)
    signal.signal(signal.SIGINT, _interrupt)

    def progress(now_ns: int, last_ns: int) -> None:
        try:
            _say(answers, {"now_ns": now_ns, "last_ns": last_ns})
        except BrokenPipeError:  # nobody waits: end like a stopped run, the strategy is not to blame
            raise KeyboardInterrupt(TOOL_GONE) from None

    failure = _load_engine(answers)
    gc.freeze()
    gc.enable()
    text = sys.stdin.read()
    if not text:
        return 0  # the tool found something wrong meanwhile
    request = json.loads(text)
    directory = Path(request["directory"])
    log = RunLog(LogSettings(**request["logs"]), directory.name)
    try:
        if failure is not None:
            raise failure
        from ...config.load import config_from_dict
        from ..engine import run_backtest

        config = config_from_dict(request["config"], directory)
        search = Path(request["search"]) if request["search"] else None
        names = config.engine.data_names()
        log.info(
            "run started",
            config=config.id,
            strategy=config.strategy.class_path,
            instrument=config.engine.instrument.name,
            data=" to ".join(dict.fromkeys((names[0], names[-1]))),
        )
        record = run_backtest(config, directory, search=search, progress=progress)
    except KeyboardInterrupt:
        return _answer(answers, log, "interrupted", "stopped by the user", INTERRUPTED)
    except TradingPlatformError as error:
        return _answer(answers, log, "failed", f"{type(error).__name__}: {error}", error.exit_code)
    except Exception as error:  # noqa: BLE001 (the record holds the traceback; the parent needs an answer)
        return _answer(answers, log, "failed", f"{type(error).__name__}: {error}", 1)
    _log_result(log, record)
    return _answer(answers, log, "done", "", 0)


def _load_engine(answers: IO[str]) -> BaseException | None:
    """Compile or load the engine while the tool reads its config; return what went wrong.

    It is an answer to the request, not a dead pipe: a wrong version of the engine, say.
    """
    try:
        from ..._jit import is_compiled

        if not is_compiled():
            _say(answers, {"phase": "compiling kernels, once per installation: about half a minute"})
        from .. import engine  # noqa: F401
    except BaseException as error:  # noqa: BLE001 (raised again where it is answered)
        return error
    return None


def _take_over_standard_output() -> IO[str]:
    """Return a private stream to the parent; what a strategy or the engine prints goes to standard error."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return answers


def _interrupt(_number: int, _frame: Any) -> None:
    """Stop once: a second signal must not disturb the writing of the record."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    raise KeyboardInterrupt


def _say(answers: IO[str], message: dict[str, Any]) -> None:
    print(json.dumps(message), file=answers, flush=True)


def _log_result(log: RunLog, record: dict[str, Any]) -> None:
    """Log what somebody who watches many runs has to know of this one."""
    summary = record["summary"]
    for halt in summary["halts"]:
        log.warning("trading halted", **{f"halt_{key}": value for key, value in halt.items()})
    if summary["anomalies"]["total"]:
        log.warning("impossible reports", **summary["anomalies"]["by_code"])
    log.info(
        "run finished",
        orders=summary["orders"]["sent"],
        fills=summary["fills"]["count"],
        net=summary["pnl"]["net"],
        wakeups=record["wakeups"],
        seconds=round(record["wall_seconds"], 3),
        log_digest=record["log_digest"],
    )


def _answer(answers: IO[str], log: RunLog, status: str, error: str, exit_code: int) -> int:
    if status != "done":
        log.info("run ended", status=status, error=error)
    with contextlib.suppress(BrokenPipeError):  # the tool is gone: the record tells
        _say(answers, {"status": status, "error": error, "exit_code": exit_code})
    return exit_code


if __name__ == "__main__":
    sys.exit(main())
