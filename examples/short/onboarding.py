"""Linear, in the short form: welcome, name, email, done.

agent-runtime chat examples/short/onboarding.py
"""

import re
import sys
from typing import Literal

from agent_runtime_framework import Journey, ToolRetry, step


class Onboarding(Journey):
    name: str = ""
    email: str = ""
    plan: Literal["free", "pro", "premium"] | None = None

    welcome = step("Welcome to Acme! Ask for the user's name and save it with save_name.")
    collect_email = step("The user is called $name. Ask for the email address and save it with save_email.")
    choose_plan = step("Ask which plan the user would like: free, pro or premium. Save it with select_plan.")
    complete = step("$name is on the $plan plan and all set. Thank the user.", final=True)

    @welcome.tool(to=collect_email, effect="state")
    def save_name(self, name: str) -> str:
        """Save the user's name."""
        self.name = name
        return f"Saved. Nice to meet you, {name}."

    @collect_email.tool(to=choose_plan, effect="state")
    def save_email(self, email: str) -> str:
        """Save the user's email address."""
        if not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", email):
            raise ToolRetry(f"{email!r} is not an email address.")
        self.email = email
        return f"Saved {email}."

    @choose_plan.tool(to=complete, effect="state")
    def select_plan(self, plan: Literal["free", "pro", "premium"]) -> str:
        """Save the plan."""
        self.plan = plan
        return f"{self.name} is on the {plan} plan. Everything is set up."


if __name__ == "__main__":
    from agent_runtime_framework.cli.main import main

    sys.exit(main(["chat", __file__, *sys.argv[1:]]))
