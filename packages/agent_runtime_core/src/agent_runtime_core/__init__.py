"""Model clients, run contexts and workflow steps for agent runtimes."""
