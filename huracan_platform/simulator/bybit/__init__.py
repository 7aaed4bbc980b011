"""The venue as Bybit v5 speaks: linear perpetuals in USDT, a unified account with cross margin, one-way positions."""
