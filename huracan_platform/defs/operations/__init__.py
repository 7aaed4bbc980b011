"""What watches the other assets."""
