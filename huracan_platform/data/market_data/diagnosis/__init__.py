"""What is wrong with rows, by name: pure functions over arrays, one module per kind of evidence."""
