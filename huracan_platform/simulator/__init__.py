"""The simulated venue: Binance USD-M over HTTP and WebSocket on loopback, in a process of its own."""
