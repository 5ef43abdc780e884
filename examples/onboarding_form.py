"""A form: any Pydantic model is a conversation; the model below is all there is to write.

agent-runtime chat examples/onboarding_form.py
"""

import sys
from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, Field, model_validator

from agent_runtime_framework.journey import Ask, FormJourney
from agent_runtime_framework.journey.answers import Email, Iban


class Address(BaseModel):
    street: str
    city: str


class Customer(BaseModel):
    """The front desk of Acme Energy. Brief and friendly."""

    full_name: str
    email: Email
    born: Annotated[date, Field(title="date of birth")]
    address: Address
    tariff: Literal["basic", "green"]
    supplier: Annotated[
        str, Ask(prompt="Which supplier do you get green power from?", when=lambda a: a["tariff"] == "green")
    ] = ""
    yearly_kwh: Annotated[
        int,
        Field(gt=0, le=100_000),
        Ask(prompt="How many kilowatt hours do you use a year?", depends_on="address_street"),
    ]
    account: Annotated[Iban, Ask(prompt="Which account (IBAN) do you pay from?")]

    @model_validator(mode="after")
    def adult(self) -> "Customer":
        if (date.today() - self.born).days < 18 * 365:  # noqa: DTZ011  the customer's own calendar
            raise ValueError("only adults can sign a contract; is the date of birth right?")
        return self


onboarding = FormJourney(Customer, done="Welcome to Acme Energy, $full_name!")


if __name__ == "__main__":
    from agent_runtime_framework.cli.main import main

    sys.exit(main(["chat", __file__, *sys.argv[1:]]))
