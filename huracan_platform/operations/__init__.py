"""What watches over the rest and speaks to people."""
