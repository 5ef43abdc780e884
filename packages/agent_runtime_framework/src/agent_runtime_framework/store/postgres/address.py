"""Where a PostgreSQL database is: what a URL says of it, and what may be shown of that."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit, urlunsplit

from agent_runtime_framework.errors import ConfigurationError

_YES_NO = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
_SECRET = ("password", "passfile", "sslkey", "sslpassword")


@dataclass(frozen=True, slots=True)
class Address:
    """A URL, taken apart.

    Attributes:
        dsn: What the driver is given; holds the password.
        shown: The same for people, without any.
        schema: Where the tables are; None for wherever the role looks for them.
        is_pooled: Whether a pooler stands before the server; None to find out.
        max_size: How many connections at most; None for the usual number.
    """

    dsn: str = field(repr=False)
    shown: str
    schema: str | None = None
    is_pooled: bool | None = None
    max_size: int | None = None

    @classmethod
    def parse(cls, url: str) -> Address:
        """Take a URL apart: `postgresql://user:password@host:port/database?schema=chat&pooler=true&max_size=20`.

        Whatever is not ours is left to the driver, such as `sslmode`.

        Raises:
            ConfigurationError: It cannot be; the text says what was expected.
        """
        try:
            parts = urlsplit(url)
            port = parts.port
            query = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
        except ValueError as exc:
            raise ConfigurationError(
                f"the URL of a PostgreSQL database cannot be read ({_without(str(exc), url)}); expected "
                "postgresql://user:password@host:5432/database, special characters of the password percent-encoded"
            ) from None
        if parts.scheme not in ("postgresql", "postgres") or parts.fragment:
            raise ConfigurationError(
                "the URL of a PostgreSQL database has to look like postgresql://user:password@host:5432/database; "
                f"found the scheme {parts.scheme!r}{' and a #, which has to be written %23' if parts.fragment else ''}"
            )
        ours = {"schema": "", "pooler": "", "pgbouncer": "", "max_size": ""}
        ours.update((name, value) for name, value in query if name in ours)
        rest = [(name, value) for name, value in query if name not in ours]
        host = parts.hostname or dict(rest).get("host") or ""
        shown = f"{host}{'' if port is None else f':{port}'}{unquote(parts.path)}"
        if parts.username:
            shown = f"{unquote(parts.username)}@{shown}"
        return cls(
            dsn=urlunsplit(("postgresql", parts.netloc, parts.path, urlencode(rest), "")),
            shown=f"postgresql://{shown}{_shown_query(query)}",
            schema=_schema(ours["schema"]),
            is_pooled=_flag("pooler", ours["pooler"] or ours["pgbouncer"]),
            max_size=_size(ours["max_size"]),
        )


def _shown_query(query: list[tuple[str, str]]) -> str:
    shown = [(name, "***" if name in _SECRET else value) for name, value in query]
    return f"?{urlencode(shown, safe='*/')}" if shown else ""


def _flag(name: str, text: str) -> bool | None:
    if text and text.lower() not in _YES_NO:
        raise ConfigurationError(f"{name}={text!r} is not possible; expected true or false")
    return _YES_NO[text.lower()] if text else None


def _size(text: str) -> int | None:
    if text and not (text.isdecimal() and int(text) > 0):
        raise ConfigurationError(
            f"max_size={text!r} is not possible; expected how many connections may be open, 1 or more"
        )
    return int(text) if text else None


def _schema(text: str) -> str | None:
    if len(text.encode()) > 63 or not text.isprintable():
        raise ConfigurationError(f"schema={text!r:.80} is not possible; expected a name of up to 63 bytes")
    return text or None


def _without(text: str, url: str) -> str:
    """An error's text if it does not quote the URL, which may hold a password."""
    return "it is malformed" if any(part and part in text for part in url.split("/")[2:]) else text
