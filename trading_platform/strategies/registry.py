"""Find a strategy by its class path ``module:Name``."""

import importlib
import importlib.util
import sys
import traceback
from pathlib import Path
from types import ModuleType
from typing import Any, TypeGuard

from ..model.errors import ConfigError, StrategyError
from .base import Strategy
from .compiled import CompiledStrategy

AnyStrategy = type[Strategy] | CompiledStrategy


class StrategyImportError(StrategyError):
    """The strategy's module raises while it is imported.

    Attributes
    ----------
    file, line : of the module, where it stands; "" and 0 if that is not known
    reason : what it raised
    """

    def __init__(self, module_name: str, file: str, line: int, reason: str) -> None:
        self.file, self.line, self.reason = file, line, reason
        place = f"{file}:{line}: " if file else ""
        super().__init__(f"strategy.class_path: {place}importing {module_name} failed: {reason}")


def load_strategy(class_path: str, search: Path | None = None) -> AnyStrategy:
    """Import a strategy of either form.

    Parameters
    ----------
    class_path : ``module:Name``; Name is a Strategy subclass or a function decorated with compiled_strategy
    search : directory whose modules can be named too (the one of the config file)

    Raises
    ------
    ConfigError : no such module, no such name in it, or not a strategy; the message lists what the module has
    StrategyError : the module has a compiled strategy that does not compile
    StrategyImportError : the module raises while it is imported
    """
    module_name, _, name = class_path.partition(":")
    if module_name.endswith(".py") or "/" in module_name:
        meant = module_name.removesuffix(".py").strip("./").replace("/", ".")
        raise ConfigError(
            f"strategy.class_path: must be module:Name with the module's name, not its file, was {class_path!r}: "
            f"write {meant}:{name}"
        )
    if search is not None and str(search) not in sys.path:
        sys.path.insert(0, str(search))
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name and f"{module_name}.".startswith(f"{error.name}."):
            raise ConfigError(
                f"strategy.class_path: no module {module_name!r} (looked in {search} and the Python path)"
            ) from None
        raise _import_error(error, module_name) from error
    except (Exception, SystemExit) as error:
        raise_if_not_compiled(error, module_name)
        raise _import_error(error, module_name) from error
    found = getattr(module, name, None)
    if not is_strategy(found):
        raise ConfigError(f"strategy.class_path: {_not_a_strategy(module, name)}")
    return found


def _import_error(error: BaseException, module_name: str) -> StrategyImportError:
    """Return the error for a module that raises while it is imported: at which of its lines, and what."""
    if isinstance(error, SyntaxError):
        return StrategyImportError(
            module_name, error.filename or "", error.lineno or 0, f"it is no Python: {error.msg}"
        )
    spec = importlib.util.find_spec(module_name)
    own = spec.origin if spec is not None and spec.origin is not None else ""
    lines = [
        frame.lineno or 0 for frame in traceback.extract_tb(error.__traceback__) if frame.filename == own
    ]
    return StrategyImportError(
        module_name, own, lines[-1] if lines else 0, f"{type(error).__name__}: {error}"
    )


def _not_a_strategy(module: ModuleType, name: str) -> str:
    """Return why a name of a module is no strategy, and which there are."""
    found = vars(module).get(name)
    known = ", ".join(sorted(key for key, value in vars(module).items() if is_strategy(value))) or "none"
    if isinstance(found, type) and found is not Strategy and found.__module__ == module.__name__:
        bases = ", ".join(base.__name__ for base in found.__bases__)
        return (
            f"{module.__name__}:{name} must derive from Strategy, derives from {bases}: write "
            f"`class {name}(Strategy)` (from trading_platform.strategies.base import Strategy)"
        )
    if callable(found) and not isinstance(found, type):
        return (
            f"{module.__name__}:{name} is a plain function: a compiled strategy is decorated with "
            f"@compiled_strategy; strategies of the module: {known}"
        )
    return f"{module.__name__} must have a strategy {name!r}, has {known}"


def raise_if_not_compiled(error: BaseException, module_name: str) -> None:
    """Raise StrategyError in plain words if ``error`` is the compiler's; its own text is pages of types."""
    from .compile_errors import compile_error_in, explain_compile_error  # only when something is wrong

    spec = importlib.util.find_spec(module_name)
    if compile_error_in(error) is not None and spec is not None and spec.origin is not None:
        raise StrategyError(explain_compile_error(error, Path(spec.origin))) from error


def is_strategy(value: Any) -> TypeGuard[AnyStrategy]:
    """Tell whether a value is a strategy of either form."""
    return isinstance(value, CompiledStrategy) or (
        isinstance(value, type) and issubclass(value, Strategy) and value is not Strategy
    )
