"""The document is true: requests made from it are answered as it says, and never with a failure."""

from __future__ import annotations

import json

import pytest
import schemathesis
from front_desk import KEYS, client_of, desk

from agent_runtime_framework.server.app import OPERATIONS

schema = schemathesis.openapi.from_dict({"openapi": "3.1.0", "info": {"title": "x", "version": "1"}, "paths": {}})


@pytest.mark.asyncio
async def test_every_operation_is_described() -> None:
    async with client_of(desk(auth=KEYS)) as nobody:
        document = (await nobody.get("/openapi.json")).json()

    described = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
    assert described == {(each.method, each.path) for each in OPERATIONS} | {("GET", "/openapi.json")}
    names = [each["operationId"] for methods in document["paths"].values() for each in methods.values()]
    assert len(set(names)) == len(names)
    assert "security" not in document["paths"]["/health"]["get"]
    assert "security" in document["paths"]["/conversations/{id}"]["get"]
    assert json.dumps(document)
