"""The statements of a store, once for every SQL database."""
