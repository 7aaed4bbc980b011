"""The simulated venue, a process of its own: Binance USD-M or Bybit v5 over HTTP and WebSocket on loopback.

market: where prices come from · exchange: books, orders, accounts · binance, bybit: how it is worded · mirror: another venue
followed live · faults: what goes wrong on demand · serving: what all of it is served with · facts: what the market looks like
"""
