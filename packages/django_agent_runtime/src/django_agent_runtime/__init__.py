"""Run agent runtimes and journeys inside Django."""
