"""Incidents, and the outbox that tells of them."""
