"""The OpenAPI document says what is true: every route, every status, every shape."""

import json
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from litestar import Litestar
from schemathesis import Case
from schemathesis.specs.openapi.checks import ignored_auth, negative_data_rejection, positive_data_acceptance

from adapters.scripted.model import ScriptedLanguageModel
from entrypoints.container import in_memory
from entrypoints.http import create_app
from entrypoints.http.described import OPERATIONS
from entrypoints.http.openapi import document
from entrypoints.settings import Settings
from tests.http.served import SECRET, Served, token

DOCUMENT = document("1.2.3")
PAGES = {"/openapi.json", "/docs", "/docs/{name:str}", "/problems/{slug:str}"}
schema = schemathesis.openapi.from_dict(json.loads(json.dumps(DOCUMENT)))


def application() -> Litestar:
    return create_app(in_memory(Settings(auth_jwt_secret=SECRET), ScriptedLanguageModel()))


def test_every_route_is_described_and_nothing_else() -> None:
    served = {
        (method, route.path.replace(":str", ""))
        for route in application().routes
        if route.path not in PAGES
        for method in route.methods - {"HEAD", "OPTIONS"}
    }
    assert served == {(operation.method.upper(), operation.path) for operation in OPERATIONS}


def test_the_document_is_valid() -> None:
    schema.validate()


def test_the_document_is_what_is_served(common: Served) -> None:
    response = common.client().get("/openapi.json")
    assert response.headers["content-type"] == "application/json"
    served: dict[str, Any] = response.json()
    assert served["info"].pop("version")
    assert served == {**DOCUMENT, "info": {**served["info"]}}


def test_every_name_that_is_referred_to_is_there() -> None:
    text = json.dumps(DOCUMENT)
    names = {part.partition('"')[0] for part in text.split("#/components/schemas/")[1:]}
    assert names
    assert names <= set(DOCUMENT["components"]["schemas"])


def test_what_a_docstring_says_comes_without_the_indents_of_its_source() -> None:
    schemas = DOCUMENT["components"]["schemas"]
    told = [schema["description"] for schema in schemas.values() if "description" in schema]
    assert len(told) > 10
    assert any("\n" in one for one in told)
    assert [one for one in told if "\n " in one] == []


def test_only_a_question_is_said_to_have_an_idempotency_key_that_was_used() -> None:
    for operations in DOCUMENT["paths"].values():
        for operation in operations.values():
            described = operation["responses"].get("422", {}).get("description", "")
            keyed = any(parameter["name"] == "Idempotency-Key" for parameter in operation["parameters"])
            assert ("idempotency key" in described) == (keyed and "422" in operation["responses"])


def test_what_erasing_takes_and_leaves_is_told() -> None:
    described = DOCUMENT["paths"]["/api/{user_id}"]["delete"]["description"]
    assert "half a second" in described
    assert "503" in described


def test_every_operation_of_a_user_wants_a_token() -> None:
    for path, operations in DOCUMENT["paths"].items():
        for operation in operations.values():
            secured = "security" in operation
            assert secured is path.startswith("/api/")
            assert ("401" in operation["responses"]) is secured


def test_every_error_is_a_problem_document() -> None:
    problem = {"$ref": "#/components/schemas/Problem"}
    for path, operations in DOCUMENT["paths"].items():
        for operation in operations.values():
            for status, response in operation["responses"].items():
                if status.startswith(("4", "5")) and path != "/health/ready":
                    assert response["content"] == {"application/problem+json": {"schema": problem}}


# What the server does beside its requests, in a thread of this process, has its pauses from the same chance that
# hypothesis watches while it thinks the next request up.
@pytest.mark.filterwarnings("ignore:Do not use the `random` module")
@schema.parametrize()
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
def test_no_request_is_answered_otherwise_than_described(case: Case[Any], common: Served) -> None:
    headers = {}
    if "user_id" in case.operation.path:
        case.path_parameters = {**(case.path_parameters or {}), "user_id": "alice"}
        headers["authorization"] = f"Bearer {token('alice')}"
    # No schema can say that a text is not blank, nor which cursors were given, and unknown parameters of a
    # query are let be. Whether a token is wanted cannot be told by requests that all have one.
    unsayable = [positive_data_acceptance, negative_data_rejection, ignored_auth]
    case.call_and_validate(base_url=common.url, headers=headers, timeout=10, excluded_checks=unsayable)


@pytest.mark.parametrize("name", ["TextbookQuestion", "AssistantQuestion", "Rename"])
def test_requests_know_their_fields_and_no_others(name: str) -> None:
    assert DOCUMENT["components"]["schemas"][name]["additionalProperties"] is False
