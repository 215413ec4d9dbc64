"""Find a strategy by its class path ``module:Name``."""

import importlib
import importlib.util
import sys
from pathlib import Path
from typing import Any, TypeGuard

from ..model.errors import ConfigError, StrategyError
from .base import Strategy
from .compiled import CompiledStrategy

AnyStrategy = type[Strategy] | CompiledStrategy


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
    """
    module_name, _, name = class_path.partition(":")
    if search is not None and str(search) not in sys.path:
        sys.path.insert(0, str(search))
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name and f"{module_name}.".startswith(f"{error.name}."):
            raise ConfigError(
                f"strategy.class_path: no module {module_name!r} (looked in {search} and the Python path)"
            ) from None
        raise
    except Exception as error:
        raise_if_not_compiled(error, module_name)
        raise
    found = getattr(module, name, None)
    if not is_strategy(found):
        known = sorted(key for key, value in vars(module).items() if is_strategy(value))
        raise ConfigError(
            f"strategy.class_path: {module_name} must have a strategy {name!r}, has {', '.join(known) or 'none'}"
        )
    return found


def raise_if_not_compiled(error: Exception, module_name: str) -> None:
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
