"""Open interest: how it is fetched and stored, and its checks."""
