"""Which parts of their journeys conversations reached."""
