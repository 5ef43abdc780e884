"""A simulated person: knows what a record says, reads what is asked, and is as difficult as people are."""

from agent_runtime_framework.testing.person.person import Habits, Person

__all__ = ["Habits", "Person"]
