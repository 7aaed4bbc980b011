"""What goes wrong on demand, and how late things come."""
