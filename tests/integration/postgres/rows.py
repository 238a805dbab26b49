"""Plants rows of an owner in every table of the schema, by SQL, past every port."""

from uuid import UUID, uuid5

import psycopg
from psycopg.types.json import Jsonb

_SPACE = UUID("5f1c6d0a-6a6f-4c3e-9a53-0f4e0a1b2c3d")


def id_of(owner: str, name: str) -> UUID:
    """Return the id that `plant` gives to an owner's row."""
    return uuid5(_SPACE, f"{owner} {name}")


def plant(connection: "psycopg.Connection[tuple[object, ...]]", owner: str, *, turns: int = 2) -> None:
    """Insert a user with a conversation of so many completed turns and a live one, as a superuser."""
    conversation = id_of(owner, "conversation")
    live = id_of(owner, "live")
    connection.execute("INSERT INTO chatcore.app_user (owner) VALUES (%s)", (owner,))
    connection.execute(
        "INSERT INTO chatcore.conversation (owner, id, title) VALUES (%s, %s, %s)",
        (owner, conversation, f"Of {owner}"),
    )
    for number in range(1, turns + 1):
        _plant_turn(connection, owner, number, f"turn {number}")
    connection.execute(
        "INSERT INTO chatcore.turn (owner, id, conversation_id, number, status, key, fingerprint, question_id,"
        " reply_id, lease_token, lease_until)"
        " VALUES (%s, %s, %s, %s, 'streaming', 'live', '\\x01', %s, %s, %s, clock_timestamp() + interval '1 h')",
        (owner, live, conversation, turns + 1, id_of(owner, "lq"), id_of(owner, "lr"), id_of(owner, "token")),
    )
    _plant_message(connection, owner, 2 * turns + 1, id_of(owner, "lq"), "And then?")
    connection.execute(
        "INSERT INTO chatcore.turn_chunk (owner, turn_id, attempt, ends_at, content) VALUES (%s, %s, 1, 4, 'Then')",
        (owner, live),
    )
    connection.execute(
        "INSERT INTO chatcore.api_key (owner, id, name, scopes, digest, created_at)"
        " VALUES (%s, %s, %s, '{read}', sha256('key'), clock_timestamp())",
        (owner, id_of(owner, "api key"), f"Of {owner}"),
    )
    connection.execute(
        "INSERT INTO chatcore.rate_bucket (owner, slot, whole_at) VALUES (%s, 0, clock_timestamp() + interval '1 h')",
        (owner,),
    )
    connection.execute(
        "INSERT INTO chatcore.token_day (owner, day, reserved, spent) VALUES (%s, current_date, 10, 20)",
        (owner,),
    )
    connection.execute(
        "INSERT INTO chatcore.audit_log (owner, id, at, method, action, resource, status, request_id)"
        " VALUES (%s, %s, clock_timestamp(), 'hs256', 'GET /api/{user_id}/conversations', %s, 200, 'r-1')",
        (owner, id_of(owner, "entry"), Jsonb({"user_id": owner, "of": f"Of {owner}"})),
    )


def _plant_turn(
    connection: "psycopg.Connection[tuple[object, ...]]", owner: str, number: int, name: str
) -> None:
    turn, question, reply = id_of(owner, name), id_of(owner, f"q{number}"), id_of(owner, f"r{number}")
    connection.execute(
        "INSERT INTO chatcore.turn (owner, id, conversation_id, number, status, key, fingerprint, question_id,"
        " reply_id, selected_text, lease_until, answered, model, input_tokens, output_tokens, estimated,"
        " ended_at)"
        " VALUES (%s, %s, %s, %s, 'completed', %s, '\\x00ff', %s, %s, %s, clock_timestamp(), true, 'scripted', 1, 2,"
        " false, clock_timestamp())",
        (owner, turn, id_of(owner, "conversation"), number, f"key {number}", question, reply, "“ß” \\N\t\n👋"),
    )
    _plant_message(connection, owner, 2 * number - 1, question, f"Question {number}: \\ \t \u2028 é 👩‍🚀")
    _plant_message(connection, owner, 2 * number, reply, f"Reply {number} of {owner}")
    connection.execute(
        "INSERT INTO chatcore.model_call (owner, turn_id, attempt, ordinal, model, input_tokens, output_tokens,"
        " estimated, outcome, seconds, first_token_seconds)"
        " VALUES (%s, %s, 1, 1, 'scripted', 1, 2, false, 'ok', 0.1, 0.30000000000000004)",
        (owner, turn),
    )


def _plant_message(
    connection: "psycopg.Connection[tuple[object, ...]]", owner: str, position: int, id_: UUID, content: str
) -> None:
    connection.execute(
        "INSERT INTO chatcore.message (owner, conversation_id, position, id, role, content)"
        " VALUES (%s, %s, %s, %s, %s, %s)",
        (
            owner,
            id_of(owner, "conversation"),
            position,
            id_,
            "user" if position % 2 else "assistant",
            content,
        ),
    )
