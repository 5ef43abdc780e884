from __future__ import annotations

import pytest
from front_desk import ADA, KEYS, client_of, desk
from starlette.requests import Request

from agent_runtime_framework.errors import ConfigurationError
from agent_runtime_framework.server import ApiKeys


def request(**headers: str) -> Request:
    raw = [(name.lower().replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "headers": raw})


@pytest.mark.parametrize(
    ("headers", "principal"),
    [
        ({"Authorization": f"Bearer {ADA}"}, "ada"),
        ({"Authorization": f"bearer  {ADA}"}, "ada"),
        ({"X_API_Key": ADA}, "ada"),
        ({"Authorization": "Basic abc", "X_API_Key": ADA}, "ada"),
        ({"Authorization": f"Bearer {ADA}x"}, None),
        ({"Authorization": f"Bearer {ADA[:-1]}"}, None),
        ({"Authorization": "Bearer "}, None),
        ({"X_API_Key": ""}, None),
        ({}, None),
    ],
)
def test_a_key_tells_the_principal(headers: dict[str, str], principal: str | None) -> None:
    assert KEYS(request(**headers)) == principal


@pytest.mark.parametrize("keys", [{}, {"short": "ada"}, {ADA: ""}, {f"{ADA} {ADA}": "ada"}, {f"{ADA}ü": "ada"}])
def test_keys_that_cannot_be_secrets_are_refused(keys: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError):
        ApiKeys(keys)


def test_keys_are_not_shown() -> None:
    with pytest.raises(ConfigurationError) as refused:
        ApiKeys({"hunter2": "ada"})

    assert "hunter2" not in str(refused.value)
    assert ADA not in repr(vars(KEYS))


@pytest.mark.asyncio
@pytest.mark.parametrize("is_async", [True, False])
async def test_a_hook_of_ones_own_may_wait(is_async: bool) -> None:
    def now(request: Request) -> str | None:
        return request.headers.get("x-user")

    async def later(request: Request) -> str | None:
        return request.headers.get("x-user")

    app = desk(auth=later if is_async else now)
    async with app.lifespan(), client_of(app) as client:
        known = await client.get("/conversations", headers={"X-User": "ada"})
        unknown = await client.get("/conversations")

    assert (known.status_code, unknown.status_code) == (200, 401)


@pytest.mark.asyncio
async def test_a_page_of_another_site_may_not_act() -> None:
    app = desk()
    async with app.lifespan(), client_of(app, headers={"Sec-Fetch-Site": "cross-site"}) as client:
        refused = await client.post("/conversations", json={})
        cancelled = await client.post("/conversations/c1/cancel")

    assert (refused.status_code, cancelled.status_code) == (403, 403)
    assert "access-control-allow-origin" not in refused.headers


@pytest.mark.asyncio
async def test_a_page_that_was_allowed_may() -> None:
    app = desk(cors_origins=["https://shop.example"])
    headers = {"Sec-Fetch-Site": "cross-site", "Origin": "https://shop.example"}
    async with app.lifespan(), client_of(app, headers=headers) as client:
        asked = await client.options("/conversations", headers={"Access-Control-Request-Method": "POST"})
        begun = await client.post("/conversations", json={})
        other = await client.post("/conversations", json={}, headers={"Origin": "https://other.example"})

    assert (asked.status_code, begun.status_code, other.status_code) == (200, 201, 403)
    assert begun.headers["access-control-allow-origin"] == "https://shop.example"


@pytest.mark.asyncio
async def test_only_hosts_that_were_named_are_answered() -> None:
    """A name that somebody else points at this machine is none of them."""
    app = desk(hosts=["desk"])
    async with app.lifespan(), client_of(app) as client:
        known = await client.get("/agents")
        other = await client.get("/agents", headers={"Host": "evil.example"})

    assert (known.status_code, other.status_code) == (200, 400)
