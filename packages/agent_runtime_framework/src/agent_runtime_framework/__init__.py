"""Conversations that must get somewhere: the model talks, code decides."""
