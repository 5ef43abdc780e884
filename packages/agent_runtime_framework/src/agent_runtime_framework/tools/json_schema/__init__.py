"""JSON Schema as far as tools need it, compiled into plain functions; `tools.arguments` is its front."""
