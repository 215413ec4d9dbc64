"""``python -m trading_platform.cli`` is ``trading-platform``."""

from . import main

main()
