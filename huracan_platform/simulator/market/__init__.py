"""Where prices come from: a seeded synthetic market or recorded files, both as whole ticks and lots."""
