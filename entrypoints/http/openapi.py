"""The OpenAPI document, made from the table of routes and the very types that are decoded and encoded.

Version 3.0.3, because the page that shows it knows no later one. JSON Schema as msgspec writes it is put
into that version's words: `nullable` for a type null, nothing beside a `$ref`.
"""

from collections.abc import Mapping
from inspect import cleandoc
from typing import Any

import msgspec

from entrypoints.http.described import EVENTS, OPERATIONS, Operation, Parameter
from entrypoints.http.problems import MEDIA_TYPE, Problem

_REFERENCE = "#/components/schemas/{name}"
_STREAM_EXAMPLE = 'id: 1-0\nevent: turn.accepted\ndata: {"turn_id":"018f6a7e-0000-7000-8000-000000000001"}\n\n'
_TITLES = {200: "It worked", 202: "It is on its way", 204: "It is done, there is nothing to say"}
_PROBLEMS = {
    400: "The request is not valid",
    401: "A valid token is required",
    403: "The token does not give access to this user",
    404: "It does not exist",
    409: "The conversation is busy, or the turn was cancelled",
    413: "The body is too large",
    415: "The body has to be JSON",
    422: "The request is not valid",
    429: "Too many requests",
    500: "The database or the model failed, or something went wrong on this server",
    502: "The model failed",
    503: "The database, the model or the server itself cannot serve now",
    504: "The model did not reply in time",
}
_PROBLEMS_OF_QUESTIONS = {
    **_PROBLEMS,
    422: "The request is not valid, or its idempotency key was used with another one",
}
_HEADERS = {
    "X-Turn-Id": "The turn, if the question became one: to look it up, to follow, to stop or to replace it",
    "Idempotency-Replayed": "`true` where this is the reply of an earlier request with the same key",
    "RateLimit": "What is left to the caller, where its rate is bounded",
    "RateLimit-Policy": "How many questions in how many seconds a caller may ask, where that is bounded",
    "Retry-After": "Seconds to wait before the same request may succeed, where it may; at most 60",
    "WWW-Authenticate": "`Bearer`",
}
_HEADERS_OF_QUESTIONS = ("X-Turn-Id", "Idempotency-Replayed", "RateLimit", "RateLimit-Policy")
_AFTER_THE_BEGINNING = frozenset({409, 500, 502, 503, 504})
"""Statuses that a question may end with after it was recorded as a turn."""
_HEADERS_OF_PROBLEMS = {
    401: ("WWW-Authenticate",),
    **dict.fromkeys((409, 429, 500, 502, 503, 504), ("Retry-After",)),
}


def document(version: str) -> dict[str, Any]:
    """Return the document of this version of the program."""
    schemas = _Schemas()
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method] = _operation(operation, schemas)
    return {
        "openapi": "3.0.3",
        "info": {
            "title": "chatcore",
            "version": version,
            "description": "Durable, isolated chat: a turn that was accepted is stored, finished and never doubled.",
            "license": {"name": "MIT"},
        },
        "paths": paths,
        "components": {
            "schemas": schemas.components(),
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        },
    }


class _Schemas:
    """Finds the schema of each type that the document speaks of."""

    def __init__(self) -> None:
        bodies = {operation.body for operation in OPERATIONS if operation.body is not None}
        replies = {
            reply for operation in OPERATIONS for reply in operation.replies.values() if reply is not None
        }
        types = [*bodies, *replies, *EVENTS.values(), Problem]
        found, components = msgspec.json.schema_components(types, ref_template=_REFERENCE)
        self._found = dict(zip(types, found, strict=True))
        self._components = components

    def of(self, kind: object) -> object:
        return _spoken(self._found[kind])

    def components(self) -> dict[str, object]:
        return {name: _spoken(schema) for name, schema in sorted(self._components.items())}


def _operation(operation: Operation, schemas: _Schemas) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.name,
        "tags": [operation.tag],
        "summary": operation.summary,
        "parameters": [_parameter(parameter) for parameter in operation.parameters],
        "responses": _responses(operation, schemas),
    }
    if operation.description:
        described["description"] = operation.description
    if operation.body is not None:
        content = {"schema": schemas.of(operation.body), "example": operation.example}
        described["requestBody"] = {"required": True, "content": {"application/json": content}}
    if operation.secured:
        described["security"] = [{"bearer": []}]
    return described


def _parameter(parameter: Parameter) -> dict[str, Any]:
    described: dict[str, Any] = {
        "name": parameter.name,
        "in": parameter.place,
        "description": parameter.meaning,
        "required": parameter.place == "path",
        "schema": parameter.schema,
    }
    return described if parameter.example is None else {**described, "example": parameter.example}


def _responses(operation: Operation, schemas: _Schemas) -> dict[str, Any]:
    responses: dict[str, Any] = {}
    for status, reply in operation.replies.items():
        response: dict[str, Any] = {"description": _TITLES.get(status) or _PROBLEMS[status]}
        if reply is not None:
            media = "text/plain" if reply is str else "application/json"
            response["content"] = {media: {"schema": schemas.of(reply)}}
        responses[str(status)] = response
    if operation.streams:
        streamed = responses.setdefault("200", {"description": _TITLES[200], "content": {}})
        streamed["content"]["text/event-stream"] = _stream(schemas)
    asks = operation.body is not None and operation.streams
    if asks:
        responses["200"]["headers"] = _headers(*_HEADERS_OF_QUESTIONS)
    for status in operation.errors:
        content = {MEDIA_TYPE: {"schema": schemas.of(Problem)}}
        problems = _PROBLEMS_OF_QUESTIONS if asks else _PROBLEMS
        responses[str(status)] = {"description": problems[status], "content": content}
        if status in _HEADERS_OF_PROBLEMS:
            responses[str(status)]["headers"] = _headers(*_HEADERS_OF_PROBLEMS[status])
        if asks and status in _AFTER_THE_BEGINNING:
            responses[str(status)]["headers"] |= _headers(*_HEADERS_OF_QUESTIONS)
    return responses


def _headers(*names: str) -> dict[str, Any]:
    return {name: {"description": _HEADERS[name], "schema": {"type": "string"}} for name in names}


def _stream(schemas: _Schemas) -> dict[str, Any]:
    """Return the media type of a stream. A schema cannot see into its frames; their data are told beside it."""
    data = {name: schemas.of(kind) for name, kind in EVENTS.items()}
    return {"schema": {"type": "string", "x-event-data": data}, "example": _STREAM_EXAMPLE}


def _spoken(schema: object) -> object:
    """Return a schema of JSON Schema 2020-12 in the words of OpenAPI 3.0."""
    if isinstance(schema, Mapping):
        spoken = {key: _said(key, value) for key, value in schema.items() if not _superfluous(key, value)}
        if "anyOf" in spoken:
            return _without_null(spoken)
        return _referring(spoken)
    return [_spoken(one) for one in schema] if isinstance(schema, list | tuple) else schema


def _said(key: str, value: object) -> object:
    # What a type is for comes from its docstring, which the source indents.
    return cleandoc(value) if key == "description" and isinstance(value, str) else _spoken(value)


def _superfluous(key: str, value: object) -> bool:
    return key == "required" and value == []


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    kinds = [kind for kind in schema.pop("anyOf") if kind != {"type": "null"}]
    if len(kinds) > 1:
        return {"anyOf": kinds, **schema}
    (kind,) = kinds
    return _referring({**kind, "nullable": True, **schema})


def _referring(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema so that nothing stands beside a reference."""
    if "$ref" in schema and len(schema) > 1:
        return {"allOf": [{"$ref": schema.pop("$ref")}], **schema}
    return schema
