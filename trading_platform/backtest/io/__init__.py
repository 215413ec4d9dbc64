"""What a backtest reads."""
