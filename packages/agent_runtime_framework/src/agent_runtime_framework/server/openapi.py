"""The OpenAPI document, from the table of operations."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from agent_runtime_core._version import __version__
from agent_runtime_framework.server.operations import Answer, Operation, Parameter
from agent_runtime_framework.server.problems import MEDIA_TYPE
from agent_runtime_framework.server.schemas import ProblemDetails

_REFERENCE = "#/components/schemas/{model}"
_ID_SCHEMA = {"type": "string", "minLength": 1, "maxLength": 255}


def document(operations: Sequence[Operation], *, base: str, title: str, has_auth: bool) -> dict[str, Any]:
    """The document.

    Args:
        operations: The table.
        base: Where the app is mounted.
        title: What it is called.
        has_auth: Whether principals are asked for their keys.
    """
    models = _models(operations)
    found, definitions = models_json_schema([(model, "serialization") for model in models], ref_template=_REFERENCE)
    schemas: dict[str, Any] = dict(definitions.get("$defs", {}))
    for (model, _), schema in found.items():
        schemas.setdefault(model.__name__, schema)
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _described(operation, has_auth=has_auth)
    components: dict[str, Any] = {"schemas": dict(sorted(schemas.items()))}
    if has_auth:
        components["securitySchemes"] = {
            "bearer": {"type": "http", "scheme": "bearer"},
            "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
        }
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": __version__},
        "servers": [{"url": base or "/"}],
        "paths": paths,
        "components": components,
    }


def _models(operations: Sequence[Operation]) -> list[type[BaseModel]]:
    named = [each.body for each in operations] + [
        answer.model for each in operations for answer in each.answers.values()
    ]
    named += [each.errors.model for each in operations if each.errors is not None]
    return list(dict.fromkeys([*(each for each in named if each is not None), ProblemDetails]))


def _described(operation: Operation, *, has_auth: bool) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "tags": [operation.tag],
        "responses": {
            **{str(status): _answer(operation, status, answer) for status, answer in sorted(operation.answers.items())},
            **{
                str(status): _problem(operation, summary)
                for status, summary in _problems(operation, has_auth=has_auth).items()
            },
        },
    }
    names = re.findall(r"{(\w+)}", operation.path)
    parameters = [{"name": name, "in": "path", "required": True, "schema": _ID_SCHEMA} for name in names]
    parameters += [_parameter(each) for each in operation.parameters]
    if parameters:
        described["parameters"] = parameters
    if operation.body is not None:
        is_needed = bool(operation.body.model_json_schema().get("required"))
        described["requestBody"] = {"required": is_needed, "content": _content(operation.body, "application/json")}
    if has_auth and not operation.is_public:
        described["security"] = [{"bearer": []}, {"key": []}]
    return described


def _problems(operation: Operation, *, has_auth: bool) -> dict[int, str]:
    """What else may be answered; what is in the table is said there."""
    found: dict[int, str] = {}
    if not operation.is_public:
        found |= {400: "It cannot be understood.", 403: "A foreign page asked.", 429: "Too many requests."}
        found |= {500: "Something broke.", 503: "The store cannot be used, or the server is closing."}
        if has_auth:
            found[401] = "Nobody is known by that key."
    if "{" in operation.path:
        found |= {404: "There is no such thing, or it is another's.", 409: "It cannot be done as things stand."}
    if operation.body is not None:
        found |= {408: "It took too long to arrive.", 413: "It is too large.", 415: "It is no JSON."}
    if operation.body is not None or operation.parameters:
        found[422] = "It does not fit; `errors` says where."
    return {status: summary for status, summary in found.items() if status not in operation.answers}


def _answer(operation: Operation, status: int, answer: Answer) -> dict[str, Any]:
    described: dict[str, Any] = {"description": answer.summary}
    if status >= 400:
        return _problem(operation, answer.summary)
    if answer.model is not None:
        described["content"] = {**_content(answer.model, answer.media_type)}
        if answer.streams:
            described["content"]["text/event-stream"] = {}
    elif answer.media_type == "application/json":
        described["content"] = {answer.media_type: {"schema": {}}, "image/svg+xml": {}, "text/plain": {}}
    elif answer.media_type:
        described["content"] = {answer.media_type: {}}
    if answer.headers:
        described["headers"] = {
            name: {"description": about, "schema": {"type": "string"}} for name, about in answer.headers.items()
        }
    return described


def _problem(operation: Operation, summary: str) -> dict[str, Any]:
    errors = operation.errors
    content = _content(ProblemDetails, MEDIA_TYPE) if errors is None else _content(errors.model, errors.media_type)
    return {"description": summary, "content": content}


def _content(model: type[BaseModel], media_type: str) -> Mapping[str, Any]:
    return {media_type: {"schema": {"$ref": _REFERENCE.format(model=model.__name__)}}}


def _parameter(parameter: Parameter) -> dict[str, Any]:
    return {
        "name": parameter.name,
        "in": parameter.place,
        "description": parameter.summary,
        "schema": dict(parameter.schema),
    }
