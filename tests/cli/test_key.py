"""API keys are made, listed and revoked."""

import json
from uuid import uuid4

from chatcore.api_key import ApiKeyText
from tests.cli.conftest import Run


def test_a_key_is_shown_once_and_listed_without_its_text(run: Run, urls: dict[str, str]) -> None:
    made = run("key", "create", "ada", "--name", "robot", "--scope", "read", "--ttl", "1h", **urls)
    text = ApiKeyText.parse(made.stdout.strip())
    assert text is not None
    (listed,) = json.loads(run("key", "list", "ada", "--json", **urls).stdout)
    assert (listed["id"], listed["name"], listed["state"]) == (str(text.id), "robot", "valid")
    assert listed["scopes"] == ["read"]
    assert listed["expires_at"] > listed["created_at"]
    assert text.text not in run("key", "list", "ada", **urls).output


def test_a_key_erases_its_user_only_where_that_is_asked_for(run: Run, urls: dict[str, str]) -> None:
    run("key", "create", "eve", **urls)
    run("key", "create", "eve", "--scope", "erase", **urls)
    usual, asked = json.loads(run("key", "list", "eve", "--json", **urls).stdout)
    assert usual["scopes"] == ["read", "write"]
    assert asked["scopes"] == ["erase"]


def test_a_revoked_key_says_so(run: Run, urls: dict[str, str]) -> None:
    text = ApiKeyText.parse(run("key", "create", "ada", **urls).stdout.strip())
    assert text is not None
    assert run("key", "revoke", "ada", str(text.id), **urls).exit_code == 0
    assert run("key", "list", "ada", **urls).stdout == f"{text.id} revoked read+write key\n"


def test_a_key_that_is_not_there_cannot_be_revoked(run: Run, urls: dict[str, str]) -> None:
    assert run("key", "revoke", "ada", str(uuid4()), **urls).exit_code == 1


def test_an_impossible_key_is_an_error_of_usage(run: Run) -> None:
    assert run("key", "create", "a b").exit_code == 2
    assert run("key", "create", "ada", "--name", " ").exit_code == 2
    assert run("key", "revoke", "ada", "nonsense").exit_code == 2
