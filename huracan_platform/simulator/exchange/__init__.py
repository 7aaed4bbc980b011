"""What happens at the venue whatever protocol tells of it: books, orders, matching, accounts, margin."""
