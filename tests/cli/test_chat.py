"""The terminal asks line by line, shows replies on standard output and everything else beside it."""

import json
from collections.abc import Callable
from pathlib import Path

from tests.cli.conftest import Run


def reply(*events: tuple[str, object]) -> bytes:
    frames = "".join(f"id: 1-0\nevent: {name}\ndata: {json.dumps(data)}\n\n" for name, data in events)
    return f"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n{frames}".encode()


WHOLE = reply(
    ("turn.accepted", {"turn_id": "t", "conversation_id": "c", "session_id": "s"}),
    ("done", {"message": {"content": "Indeed."}, "usage": {}}),
)
REFUSED = b'HTTP/1.1 401 Unauthorized\r\n\r\n{"detail": "A valid token is required.", "retryable": false}'


def test_one_question_gets_one_reply(run: Run, serve_bytes: Callable[[bytes], str]) -> None:
    result = run("chat", "Is it so?", "--url", serve_bytes(WHOLE))
    assert (result.exit_code, result.stdout, result.stderr) == (0, "Indeed.\n", "")


def test_lines_are_questions_and_empty_ones_are_none(run: Run, serve_bytes: Callable[[bytes], str]) -> None:
    result = run("chat", "--textbook", "--url", serve_bytes(WHOLE), given="Is it so?\n\nAnd this?\n")
    assert (result.exit_code, result.stdout) == (0, "Indeed.\nIndeed.\n")


def test_the_textbook_needs_no_key_and_makes_none(
    run: Run, serve_bytes: Callable[[bytes], str], tmp_path: Path
) -> None:
    run("chat", "Is it so?", "--textbook", "--url", serve_bytes(WHOLE))
    assert not (tmp_path / "data").exists()


def test_a_refusal_is_told_and_is_the_exit_code(run: Run, serve_bytes: Callable[[bytes], str]) -> None:
    result = run("chat", "Is it so?", "--token", "t", "--url", serve_bytes(REFUSED))
    assert (result.exit_code, result.stdout) == (1, "")
    assert "A valid token is required." in result.stderr


def test_an_installation_that_signs_no_tokens_wants_one(run: Run) -> None:
    result = run("chat", "Is it so?", AUTH_JWKS_URL="https://auth.example.com/jwks")
    assert result.exit_code == 1
    assert "--token" in result.stderr
