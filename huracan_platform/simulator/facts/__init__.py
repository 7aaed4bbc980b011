"""Stylised facts of a market: measured, drawn and written as one page."""
