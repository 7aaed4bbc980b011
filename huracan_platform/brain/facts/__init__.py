"""Facts with three times, what is known of their quality, and where features stand."""
