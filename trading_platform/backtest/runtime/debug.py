"""A run in the debugger: in this process and on this terminal, with pdb in the strategy.

An interpreted strategy stops at the first line of each of its call-backs, the core stays compiled. A compiled one is
run by a new process in which nothing is compiled (NUMBA_DISABLE_JIT=1 counts at import only): same code, same log.
"""

import bdb
import dis
import json
import os
import pdb
import signal
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from types import CodeType, FrameType, FunctionType, TracebackType
from typing import Any, Final

from ..._jit import COMPILED
from ..._jit.sources import own_files
from ...config.load import config_from_dict
from ...config.run import RunConfig
from ...model.errors import ConfigError, StrategyError, TradingPlatformError
from ...record.names import RUN_FILE
from ...strategies.arithmetic import as_compiled
from ...strategies.base import Strategy
from ...strategies.compile_errors import compile_error_in
from ...strategies.compiled import CompiledStrategy
from ...strategies.registry import AnyStrategy, StrategyImportError, load_strategy
from .parent import death, ensure_record, stop_process

INTERRUPTED: Final = 130
_PREPARATIONS: Final = (
    "RESUME",
    "COPY_FREE_VARS",
    "MAKE_CELL",
    "NOP",
)  # what Python does before the first line
REQUEST_VARIABLE: Final = "TRADING_PLATFORM_DEBUG_REQUEST"


class Debugger(pdb.Pdb):
    """pdb that shows the strategy's frame, and whose quit interrupts the run instead of failing it."""

    def __init__(self, files: frozenset[str]) -> None:
        super().__init__(nosigint=True)  # Ctrl-C interrupts the run, as without the debugger
        self._asking = False
        self.prompt = "(strategy) "
        self._files = files

    def stop_in(self, codes: list[CodeType]) -> None:
        """Set a breakpoint that counts once at the first line of each of some functions."""
        for code in codes:
            refused = self.set_break(code.co_filename, first_line(code), temporary=True)
            if refused:
                raise ConfigError(f"{code.co_filename}:{code.co_firstlineno}: cannot stop there: {refused}")

    @contextmanager
    def running(self) -> Iterator[None]:
        """Let the program within ``with`` run up to the breakpoints."""
        self.reset()
        self.botframe = sys._getframe()
        self.set_continue()
        sys.settrace(self.trace_dispatch)
        try:
            yield
        finally:
            sys.settrace(None)

    def trace_dispatch(self, frame: FrameType, event: str, arg: Any) -> Any:
        """Follow the program; quitting the debugger stops the run like Ctrl-C."""
        try:
            return super().trace_dispatch(frame, event, arg)
        except bdb.BdbQuit:
            raise KeyboardInterrupt from None

    def interaction(self, frame: FrameType | None, tb_or_exc: Any) -> None:
        """Ask the user what to do."""
        self._asking = True
        try:
            super().interaction(frame, tb_or_exc)
        finally:
            self._asking = False

    def stop(self, _number: int, _frame: FrameType | None) -> None:
        """Handle SIGTERM: end the run. At the prompt pdb would swallow a KeyboardInterrupt."""
        raise bdb.BdbQuit if self._asking else KeyboardInterrupt

    def post_mortem(self, error: BaseException) -> None:
        """Look at the variables where an exception of the strategy came from, until the user quits."""
        print("the run is over: look at the variables (w shows the calls), q leaves", file=sys.stderr)
        self.reset()
        with suppress(bdb.BdbQuit):
            self.interaction(None, error.__traceback__)

    def setup(self, frame: FrameType | None, tb: TracebackType | None) -> None:
        """Select the innermost frame of the strategy: what it called is a `down` away."""
        super().setup(frame, tb)
        own = [index for index, (one, _) in enumerate(self.stack) if one.f_code.co_filename in self._files]
        if tb is not None and own:
            self.curindex = own[-1]
            self.curframe = self.stack[self.curindex][0]
            self.curframe_locals = self.curframe.f_locals


def debug_run(config: dict[str, Any], directory: Path, search: Path | None) -> int:
    """Run a resolved config into an existing, empty directory, under the debugger.

    The directory has a ``run.json`` afterwards, like any run's: ``done``, ``failed`` with the error, or
    ``interrupted`` when the user quit the debugger. The error is printed on standard error.

    Parameters
    ----------
    config : `RunConfig.resolved`
    directory : of the run
    search : directory whose modules a class path can name

    Returns
    -------
    int
        exit code: 0 done, 1 failed, 2 bad input, 130 interrupted
    """
    loaded = config_from_dict(config, directory)
    if not COMPILED or not _is_compiled_strategy(loaded, search):
        return _debug_here(loaded, directory, search)
    request = {
        "config": config,
        "directory": str(directory.resolve()),
        "search": str(search) if search else None,
    }
    print("the strategy is compiled: running everything as plain Python, which is slow", file=sys.stderr)
    with tempfile.TemporaryDirectory(prefix="trading-platform-debug-") as folder:
        file = Path(folder) / "request.json"
        file.write_text(json.dumps(request), encoding="utf-8")
        code = _run_plain(os.environ | {"NUMBA_DISABLE_JIT": "1", REQUEST_VARIABLE: str(file)})
    if code >= 0 and (directory / RUN_FILE).is_file():
        return code
    outcome = death(code, "under the debugger")
    ensure_record(directory, config, outcome)
    print(outcome.error, file=sys.stderr)
    return outcome.exit_code


def _run_plain(environment: dict[str, str]) -> int:
    """Run `main` in a process of its own on this terminal; return its exit code, negative if a signal killed it."""
    command = [sys.executable, "-P", "-m", "trading_platform.backtest.runtime.debug"]
    with _leave_interrupts_to_the_child(), subprocess.Popen(command, env=environment, text=True) as child:
        try:
            return child.wait()
        except KeyboardInterrupt:  # SIGTERM: Ctrl-C is the child's
            stop_process(child)
            return child.returncode


def main() -> int:
    """Serve the request of `debug_run` in a process in which nothing is compiled."""
    request = json.loads(Path(os.environ[REQUEST_VARIABLE]).read_text(encoding="utf-8"))
    directory = Path(request["directory"])
    config = config_from_dict(request["config"], directory)
    return _debug_here(config, directory, Path(request["search"]) if request["search"] else None)


def _is_compiled_strategy(config: RunConfig, search: Path | None) -> bool:
    """Tell the form of the strategy; one that does not compile is a compiled one."""
    try:
        return isinstance(load_strategy(config.strategy.class_path, search), CompiledStrategy)
    except Exception as error:  # noqa: BLE001 (a module that cannot be imported fails the run, which records it)
        return compile_error_in(error) is not None


def _debug_here(config: RunConfig, directory: Path, search: Path | None) -> int:
    from ..engine import run_backtest  # compiles the runner, or loads it

    debugger = _debugger(config.strategy.class_path, search)
    signal.signal(signal.SIGTERM, debugger.stop)
    try:
        with _numbers(config, search), debugger.running():
            run_backtest(config, directory, search=search)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return INTERRUPTED
    except TradingPlatformError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        if _is_from_a_call(error):
            debugger.post_mortem(error.__cause__ or error)
        return error.exit_code
    except Exception:  # noqa: BLE001 (it is in the record, and shown)
        traceback.print_exc()
        return StrategyError.exit_code
    return 0


def _is_from_a_call(error: TradingPlatformError) -> bool:
    """Tell whether a call of the strategy raised: a frame of its own is left to look at."""
    return (
        isinstance(error, StrategyError)
        and not isinstance(error, StrategyImportError)
        and error.__cause__ is not None
    )


def _numbers(config: RunConfig, search: Path | None) -> AbstractContextManager[Any]:
    """Return the arithmetic of the run: that of compiled code for a strategy which is compiled in a run."""
    return as_compiled() if _is_compiled_strategy(config, search) else nullcontext()


def _debugger(class_path: str, search: Path | None) -> Debugger:
    """Return a debugger that stops in the strategy; one that stops nowhere if it cannot be imported: the run tells."""
    try:
        strategy = load_strategy(class_path, search)
    except Exception:  # noqa: BLE001 (the run meets it again, and records it)
        return Debugger(frozenset())
    module = sys.modules[class_path.partition(":")[0]]
    debugger = Debugger(frozenset(map(str, own_files(Path(module.__file__ or "")))))
    debugger.stop_in(functions_of(strategy))
    print(
        f"{class_path}: stops in each of its functions once; c continues, q ends the run, h helps",
        file=sys.stderr,
    )
    return debugger


def functions_of(strategy: AnyStrategy) -> list[CodeType]:
    """Return the code of what a strategy's author wrote to be called: the body, or the overridden call-backs."""
    if isinstance(strategy, CompiledStrategy):
        return [strategy.body.__code__]
    written = [
        getattr(strategy, name)
        for name in vars(Strategy)
        if name.startswith("on_") and getattr(strategy, name) is not getattr(Strategy, name)
    ]
    return [function.__code__ for function in written if isinstance(function, FunctionType)]


def first_line(code: CodeType) -> int:
    """Return the first line of a function that does something: decorators, signature and docstring do not."""
    lines = (
        instruction.positions.lineno
        for instruction in dis.get_instructions(code)
        if instruction.opname not in _PREPARATIONS and instruction.positions is not None
    )
    return next((line for line in lines if line is not None), code.co_firstlineno)


@contextmanager
def _leave_interrupts_to_the_child() -> Iterator[None]:
    """Ctrl-C reaches both processes of a terminal: the one with the debugger answers it."""
    outer = signal.signal(signal.SIGINT, lambda _number, _frame: None)
    outer_stop = signal.signal(signal.SIGTERM, _interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, outer)
        signal.signal(signal.SIGTERM, outer_stop)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
