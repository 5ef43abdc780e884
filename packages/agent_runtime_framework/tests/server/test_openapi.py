"""The document is true: requests made from it are answered as it says, and never with a failure."""

from __future__ import annotations

import json
from collections.abc import Generator
from typing import Any

import pytest
import schemathesis
from front_desk import KEYS, Served, client_of, desk
from hypothesis import HealthCheck, given, settings
from schemathesis.specs.openapi.checks import (
    positive_data_acceptance,  # pyright: ignore[reportUnknownVariableType]  it is not typed
)

from agent_runtime_framework.server import Limits
from agent_runtime_framework.server.app import OPERATIONS
from agent_runtime_framework.server.operations import Operation


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


@pytest.fixture(scope="module")
def document() -> Generator[Any]:
    with Served(desk(limits=Limits(rate=None, wait=2.0))) as served:
        yield schemathesis.openapi.from_url(f"{served.url}/openapi.json")


# Streams do not end, and are tried elsewhere.
ENDING = [each for each in OPERATIONS if not any("event" in answer.media_type for answer in each.answers.values())]


@pytest.mark.parametrize("operation", ENDING, ids=lambda each: each.name)
def test_what_is_asked_by_the_document_is_answered_by_it(operation: Operation, document: Any) -> None:
    described = document[operation.path][operation.method]

    @settings(
        max_examples=15,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )
    @given(case=described.as_strategy())
    def ask(case: Any) -> None:
        # An agent that is not there, or both text and content: the document cannot tell.
        case.call_and_validate(excluded_checks=[positive_data_acceptance])

    ask()
