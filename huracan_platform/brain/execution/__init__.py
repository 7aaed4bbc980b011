"""What sessions decide, send and get."""
