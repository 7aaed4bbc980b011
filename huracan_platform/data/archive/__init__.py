"""Bulk history: files of a venue's public archive through the same contract, checks and books as what the venue delivers."""
