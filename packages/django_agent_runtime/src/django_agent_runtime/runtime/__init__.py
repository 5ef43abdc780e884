"""What runs: the registry of runtimes, and the interfaces they implement."""
