"""The compiled part of the set `positioning`: what traders hold, pay, say and lose, one bar at a time over one state record.

`alignment` puts facts beside bars as they were known, `rings` keeps a day of minutes, `leverage`, `sentiment` and `liquidations`
write their columns from them, `step` puts a bar through all of it. Sums run over the ring for each bar, oldest minute first:
that takes 25 ms a day, and no rounding depends on when the engine began.
"""
