"""The compiled part: one bar at a time over one state record.

Each module is a noun: `minutes` keeps the trailing windows of minute bars, `hours` the hourly samples and ranges,
`price`, `flow`, `funding` and `physics` write their columns from them, `step` puts a bar through all of it. Only the
entry point in `step` is cached on disk, under a key that holds the hash of every file here, because numba's cache
does not see a change in a function that is called.
"""
