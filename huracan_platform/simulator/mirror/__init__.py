"""Paper trading on real prices: the public data of another venue, orders matched here."""
