"""Entrypoints that run a backtest in a process of its own."""
