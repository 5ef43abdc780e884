"""A conversation under test: what is said to an agent, and a record of all that comes of it."""
