"""A backtest from config to record: market data in, engine facade, container and child-process entrypoints."""
