"""Binance USD-M: its REST paths, streams, words and limits."""
