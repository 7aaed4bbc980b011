"""The orchestration: the only package that imports dagster. One folder per wing, the same file names in each."""
