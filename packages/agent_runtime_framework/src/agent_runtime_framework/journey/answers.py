"""Types of answers that Pydantic has none for, with reasons fit for people.

    class Payment(BaseModel):
        mobile: PhoneNumber
        account: Iban
        card: CardNumber

Each is a `str` in a normal form, so that it can be compared and stored. `Iban` and `CardNumber` are sensitive.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any

from agent_runtime_framework.errors import ConfigurationError
from agent_runtime_framework.journey.ask import Ask

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
    from pydantic_core import CoreSchema

__all__ = ["CardNumber", "Email", "Iban", "PhoneNumber", "phone_number"]

_EMAIL = re.compile(r"[^@\s,;<>]{1,64}@(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.)+[^\W\d_]{2,63}")
_IBAN = re.compile(r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}")
_IBAN_LENGTHS = {
    "AT": 20, "BE": 16, "BG": 22, "CH": 21, "CY": 28, "CZ": 24, "DE": 22, "DK": 18, "EE": 20, "ES": 24, "FI": 18,
    "FR": 27, "GB": 22, "GR": 27, "HR": 21, "HU": 28, "IE": 22, "IS": 26, "IT": 27, "LI": 21, "LT": 20, "LU": 20,
    "LV": 21, "MC": 27, "MT": 31, "NL": 18, "NO": 15, "PL": 28, "PT": 25, "RO": 24, "SE": 24, "SI": 19, "SK": 24,
    "SM": 27,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Normalised:
    """Turns a text into its normal form; stands in the `Annotated[...]` of a `str`.

    Attributes:
        read: Gives the normal form, or raises ValueError with the reason for the person.
        format: The `format` of the JSON Schema.
    """

    read: Callable[[str], str]
    format: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        from pydantic_core import core_schema

        return core_schema.no_info_after_validator_function(self.read, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {**handler(schema), "format": self.format}


def read_email(text: str) -> str:
    """The address, its domain in lower case."""
    if not _EMAIL.fullmatch(text.strip()):
        raise ValueError("that does not look like an email address; I need one like ada@example.org")
    name, _, domain = text.strip().rpartition("@")
    return f"{name}@{domain.lower()}"


def read_iban(text: str) -> str:
    """The IBAN without spaces, its check digits right."""
    compact = re.sub(r"[\s-]", "", text).upper()
    if not _IBAN.fullmatch(compact):
        raise ValueError("an IBAN begins with two letters and two digits, as in DE89 3704 0044 0532 0130 00")
    expected = _IBAN_LENGTHS.get(compact[:2])
    if expected is not None and len(compact) != expected:
        raise ValueError(f"an IBAN from {compact[:2]} has {expected} characters, this one has {len(compact)}")
    if int("".join(str(int(char, 36)) for char in compact[4:] + compact[:4])) % 97 != 1:
        raise ValueError("there is a slip in that IBAN: its check digits do not fit")
    return compact


def read_card(text: str) -> str:
    """The digits of a card number, its check digit right."""
    digits = re.sub(r"[\s-]", "", text)
    if not re.fullmatch(r"\d{12,19}", digits):
        raise ValueError("a card number has 12 to 19 digits")
    doubled = [int(digit) * (1 + index % 2) for index, digit in enumerate(reversed(digits))]
    if sum(each - 9 if each > 9 else each for each in doubled) % 10:
        raise ValueError("there is a slip in that card number: its check digit does not fit")
    return digits


def phone_number(region: str | None = None) -> Any:
    """The type of a phone number, kept as E.164 (`+442071838750`).

    Args:
        region: The country of numbers that are given without one, such as "GB"; None asks for the country code.
    """

    def read(text: str) -> str:
        return read_phone(text, region)

    return Annotated[str, Normalised(read, "phone"), Ask(example="+44 20 7183 8750")]


def read_phone(text: str, region: str | None = None) -> str:
    """The number as E.164.

    Raises:
        ConfigurationError: `phonenumbers` is not installed.
    """
    try:
        phonenumbers: Any = import_module("phonenumbers")
    except ImportError as error:
        raise ConfigurationError(
            "phone numbers are read by `phonenumbers`: pip install 'agent_runtime_framework[forms]'"
        ) from error
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException as error:
        if error.error_type == phonenumbers.NumberParseException.INVALID_COUNTRY_CODE:
            raise ValueError("I need the country code too, as in +44 20 7183 8750") from error
        raise ValueError("that does not look like a phone number") from error
    if not phonenumbers.is_valid_number(number):
        raise ValueError("there is no such phone number; maybe a digit is missing")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


if TYPE_CHECKING:
    PhoneNumber = str
    Iban = str
    CardNumber = str
    Email = str
else:
    PhoneNumber = phone_number()
    Iban = Annotated[str, Normalised(read_iban, "iban"), Ask(sensitive=True)]
    CardNumber = Annotated[str, Normalised(read_card, "card"), Ask(sensitive=True)]
    Email = Annotated[str, Normalised(read_email, "email")]
