"""Bars from trades, one trade at a time: pure kernels over two small records, for files and for running strategies."""
