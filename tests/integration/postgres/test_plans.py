"""Every statement finds its rows by an index, and a turn costs as much in a long conversation as in a short one."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import sql

from tests.databases import Database, Databases

SHORT, LONG = UUID(int=10), UUID(int=11)
CROWD = Path(__file__).with_name("crowd.sql").read_text()
STEPS = {
    "begin": "SELECT chatcore.begin_turn('alice', %(conversation)s, false, 't', %(fresh)s, gen_random_uuid(),"
    " gen_random_uuid(), 'q', NULL, %(fresh)s::text, 'f', NULL, 10, %(token)s, 600)",
    "begin a conversation": "SELECT chatcore.begin_turn('alice', %(other)s, true, 't', gen_random_uuid(),"
    " gen_random_uuid(), gen_random_uuid(), 'q', NULL, NULL, 'f', NULL, 10, gen_random_uuid(), 600)",
    "begin again": "SELECT chatcore.begin_turn('alice', %(conversation)s, false, 't', %(fresh)s,"
    " gen_random_uuid(), gen_random_uuid(), 'q', NULL, %(fresh)s::text, 'f', NULL, 10, %(token)s, 600)",
    "begin while busy": "SELECT chatcore.begin_turn('alice', %(conversation)s, false, 't', gen_random_uuid(),"
    " gen_random_uuid(), gen_random_uuid(), 'q', NULL, NULL, 'f', NULL, 10, gen_random_uuid(), 600)",
    "checkpoint": "SELECT chatcore.checkpoint_turn('alice', %(fresh)s, %(token)s, 600, 'half', 4)",
    "follow": "SELECT chatcore.follow_turn('alice', %(fresh)s, 1, 0)",
    "look": "SELECT chatcore.look_at_turn('alice', %(fresh)s)",
    "cancel": "SELECT chatcore.cancel_turn('alice', %(fresh)s)",
    "release": "SELECT chatcore.release_turn('alice', %(fresh)s, %(token)s)",
    "take over": "SELECT chatcore.take_over_turn('alice', %(fresh)s, %(second)s, 600, 10, 10)",
    "finish": "SELECT chatcore.finish_turn('alice', %(conversation)s, %(fresh)s, %(second)s, 'completed', 'text',"
    """ 1, 1, false, 'm', NULL, NULL, '[["m", 1, 1, false, "ok", 0.5, null]]')""",
    "finish again": "SELECT chatcore.finish_turn('alice', %(conversation)s, %(fresh)s, %(second)s, 'completed',"
    " 'text', 1, 1, false, 'm', NULL, NULL, NULL)",
    "give up": "SELECT chatcore.give_up_turn('alice', %(fresh)s, 'code', false)",
    "replace": "SELECT chatcore.begin_turn('alice', %(conversation)s, false, 't', %(other)s,"
    " gen_random_uuid(), gen_random_uuid(), NULL, NULL, NULL, 'f', %(fresh)s, 10, %(token)s, 600)",
    "release the replacement": "SELECT chatcore.release_turn('alice', %(other)s, %(token)s)",
    "list": "SELECT chatcore.list_conversations('alice', '80000000-0000-0000-0000-000000000000', 20)",
    "find": "SELECT chatcore.find_conversation('alice', %(conversation)s)",
    "rename": "SELECT chatcore.rename_conversation('alice', %(conversation)s, 'other')",
    "messages": "SELECT chatcore.list_messages('alice', %(conversation)s, 2147483647, 20, false)",
    "older messages": "SELECT chatcore.list_messages('alice', %(conversation)s, 9, 20, true)",
    "delete": "SELECT chatcore.delete_conversation('alice', %(other)s)",
}


@dataclass(frozen=True)
class Scan:
    """How one table was read in one statement."""

    table: str
    kind: str
    condition: str
    rows: float


@dataclass(frozen=True)
class Explained:
    """Everything that a step did inside the server."""

    scans: list[Scan]
    buffers: int


@pytest.fixture(scope="module")
def crowd(database_server: Databases) -> Iterator[Database]:
    with database_server.fresh() as database:
        with psycopg.connect(database.superuser_url, autocommit=True) as connection:
            for statement in CROWD.split(";\n"):
                if statement.strip():
                    connection.execute(statement)
        yield database


def scans(plan: dict[str, object]) -> Iterator[Scan]:
    if "Relation Name" in plan and "Scan" in str(plan["Node Type"]):
        loops = float(str(plan["Actual Loops"]))
        seen = float(str(plan["Actual Rows"])) + float(str(plan.get("Rows Removed by Filter", 0)))
        yield Scan(
            table=str(plan["Relation Name"]),
            kind=str(plan["Node Type"]),
            condition=str(plan.get("Index Cond", "")),
            rows=seen * loops,
        )
    children = plan.get("Plans", [])
    assert isinstance(children, list)
    for child in children:
        yield from scans(child)


def explained(
    database: Database, plan_cache_mode: str, conversation: UUID, steps: Mapping[str, str] = STEPS
) -> dict[str, Explained]:
    """Take every step in a conversation as the serving role, and return what the server did for each."""
    plans: list[dict[str, object]] = []
    results: dict[str, Explained] = {}
    with psycopg.connect(database.superuser_url, autocommit=True) as connection:
        connection.execute("LOAD 'auto_explain'")
        for name, value in {
            "auto_explain.log_min_duration": "0",
            "auto_explain.log_nested_statements": "on",
            "auto_explain.log_analyze": "on",
            "auto_explain.log_timing": "off",
            "auto_explain.log_buffers": "on",
            "auto_explain.log_format": "json",
            "auto_explain.log_level": "notice",
            "plan_cache_mode": plan_cache_mode,
        }.items():
            connection.execute(sql.SQL("SET {} = {}").format(sql.SQL(name), sql.Literal(value)))
        connection.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(database.app)))

        def plan_of(notice: psycopg.errors.Diagnostic) -> None:
            _, _, text = (notice.message_primary or "").partition("plan:")
            if text:
                plans.append(json.loads(text)["Plan"])

        connection.add_notice_handler(plan_of)
        # The first round fills the session's caches; the second is the one that counts.
        for _ in range(2):
            names = {name: uuid4() for name in ("fresh", "token", "second", "other")}
            for name, statement in steps.items():
                plans.clear()
                connection.execute(statement, {"conversation": conversation, **names})
                results[name] = explained_by(plans)
    return results


def explained_by(plans: list[dict[str, object]]) -> Explained:
    # The outermost statement's count of buffers contains those within it.
    return Explained(
        scans=[scan for plan in plans for scan in scans(plan)],
        buffers=max(
            int(str(plan["Shared Hit Blocks"])) + int(str(plan["Shared Read Blocks"])) for plan in plans
        ),
    )


@pytest.mark.parametrize("conversation", [SHORT, LONG], ids=["short", "long"])
@pytest.mark.parametrize("plan_cache_mode", ["force_custom_plan", "force_generic_plan"])
def test_every_step_finds_its_rows_by_an_index_that_begins_with_the_owner(
    crowd: Database, plan_cache_mode: str, conversation: UUID
) -> None:
    for step, done in explained(crowd, plan_cache_mode, conversation).items():
        assert done.scans, step
        for scan in done.scans:
            assert scan.kind in {"Index Scan", "Index Only Scan", "Bitmap Heap Scan"}, (step, scan)
            assert scan.rows <= 50, (step, scan)
            assert scan.kind == "Bitmap Heap Scan" or "owner" in scan.condition, (step, scan)


def test_every_table_is_read_by_some_step(crowd: Database) -> None:
    read = {scan.table for done in explained(crowd, "auto", SHORT).values() for scan in done.scans}
    assert read == {"app_user", "conversation", "turn", "message", "turn_chunk"}


@pytest.mark.parametrize("plan_cache_mode", ["force_custom_plan", "force_generic_plan"])
def test_what_was_spent_is_read_from_the_days_that_are_told_and_no_others(
    crowd: Database, plan_cache_mode: str
) -> None:
    with psycopg.connect(crowd.superuser_url, autocommit=True) as connection:
        connection.execute(
            "UPDATE chatcore.model_call SET created_at = clock_timestamp() - interval '31 days'"
            " WHERE owner = 'alice' AND turn_id NOT IN ("
            "SELECT turn_id FROM chatcore.model_call WHERE owner = 'alice' ORDER BY turn_id LIMIT 20)"
        )
        connection.execute("VACUUM ANALYZE chatcore.model_call")
    steps = {"usage": "SELECT chatcore.usage_of_user('alice', 30)"}
    told = explained(crowd, plan_cache_mode, SHORT, steps)["usage"]
    (ledger,) = [scan for scan in told.scans if scan.table == "model_call"]
    assert ledger.kind in {"Index Scan", "Bitmap Heap Scan"}
    assert ledger.rows == 20


@pytest.mark.parametrize("step", ["begin", "finish", "messages", "take over", "replace"])
def test_a_step_touches_as_much_in_a_conversation_of_a_hundred_thousand_messages(
    crowd: Database, step: str
) -> None:
    short = explained(crowd, "auto", SHORT)[step].buffers
    long = explained(crowd, "auto", LONG)[step].buffers
    # The short one has fewer exchanges than the window, which is where the difference comes from.
    assert long <= 1.2 * short + 50, (short, long)
