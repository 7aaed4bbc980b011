"""Sources of market facts beside candles and funding: one file each, under one protocol. docs/sources.md tells how to add one."""
