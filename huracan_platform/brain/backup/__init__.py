"""Backups of a whole installation: both databases and the artefacts, each restorable and checked by hash."""
