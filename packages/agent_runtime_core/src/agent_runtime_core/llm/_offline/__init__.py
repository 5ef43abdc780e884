"""The rooms of the offline model: words, schemas, values, offers, prompts and replies. Use `llm.offline`."""
