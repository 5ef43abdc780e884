"""Stored conversations, held again by changed code or another model, with what their tools answered back then."""
