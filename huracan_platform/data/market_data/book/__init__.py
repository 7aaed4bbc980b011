"""The order book: kept from its differences, summed up per second, and its way through ingest."""
