"""Trades and books on their way from the streams into the library."""
