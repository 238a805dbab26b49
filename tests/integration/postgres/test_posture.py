"""Whatever would break the isolation of users is found and named, and the SQL beside it mends it."""

from collections.abc import Iterator

import psycopg
import pytest

from adapters.postgres.posture import faults
from adapters.postgres.provision import as_role
from chatcore.errors import DatabaseUnavailable
from tests.databases import Database


@pytest.fixture
def superuser(database: Database) -> Iterator["psycopg.Connection[tuple[object, ...]]"]:
    with psycopg.connect(database.superuser_url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def member_url(
    database: Database, superuser: "psycopg.Connection[tuple[object, ...]]"
) -> Iterator[tuple[str, str]]:
    """A bare role of this test's own, by its name and its URL."""
    name = f"{database.app}_member"
    superuser.execute(f"CREATE ROLE \"{name}\" LOGIN PASSWORD 'x'")
    superuser.execute(f'GRANT CONNECT ON DATABASE "{database.name}" TO "{name}"')
    yield name, as_role(database.app_url, name, "x", database.name)
    superuser.execute(f'DROP OWNED BY "{name}"')
    superuser.execute(f'DROP ROLE "{name}"')


def found(url: str) -> list[str]:
    return [fault.what for fault in faults(url)]


def test_the_embedded_set_up_has_no_fault(database: Database) -> None:
    assert faults(database.app_url) == []


def test_a_bare_role_has_no_fault_before_the_first_migration(bare_database: Database) -> None:
    assert faults(bare_database.app_url) == []


def test_the_superuser_is_refused(database: Database) -> None:
    whats = found(database.superuser_url)
    assert any("is a superuser" in what for what in whats)
    assert any("has BYPASSRLS" in what for what in whats)


def test_the_owner_is_refused(database: Database) -> None:
    assert found(database.owner_url) == [f"the serving role {database.owner} owns tables of chatcore"]


def test_bypassing_row_security_is_refused(
    superuser: "psycopg.Connection[tuple[object, ...]]", member_url: tuple[str, str]
) -> None:
    name, url = member_url
    superuser.execute(f'ALTER ROLE "{name}" BYPASSRLS')
    assert found(url) == [f"the serving role {name} has BYPASSRLS"]


@pytest.mark.parametrize("chain", [1, 2])
def test_a_power_that_another_role_lends_is_found_and_mended(
    database: Database,
    superuser: "psycopg.Connection[tuple[object, ...]]",
    member_url: tuple[str, str],
    chain: int,
) -> None:
    name, url = member_url
    between = f"{name}_between"
    superuser.execute(f'CREATE ROLE "{between}"')
    try:
        if chain == 1:
            superuser.execute(f'GRANT "{database.owner}" TO "{name}"')
        else:
            superuser.execute(f'GRANT "{database.owner}" TO "{between}"')
            superuser.execute(f'GRANT "{between}" TO "{name}"')
        (fault,) = faults(url)
        assert fault.what == (
            f"the serving role {name} may become {database.owner}, which owns tables of chatcore"
        )
        superuser.execute(fault.mend if chain == 1 else f'REVOKE "{between}" FROM "{name}"')
        assert faults(url) == []
    finally:
        superuser.execute(f'DROP ROLE "{between}"')


@pytest.mark.parametrize(
    ("fault", "what"),
    [
        ("ALTER TABLE chatcore.message NO FORCE ROW LEVEL SECURITY", "does not force"),
        ("ALTER TABLE chatcore.turn DISABLE ROW LEVEL SECURITY", "has no row-level security"),
        ("DROP POLICY own_rows ON chatcore.turn_chunk", "has no policy"),
        ("CREATE POLICY all_rows ON chatcore.turn FOR SELECT USING (true)", "does not ask whose"),
        ("CREATE POLICY any_row ON chatcore.turn FOR INSERT WITH CHECK (true)", "does not ask whose"),
        ("GRANT SELECT ON chatcore.message TO PUBLIC", "everybody has rights on chatcore.message"),
        ("GRANT USAGE ON SCHEMA chatcore TO PUBLIC", "everybody may use schema chatcore"),
        ("CREATE VIEW chatcore.v AS SELECT * FROM chatcore.message", "with the powers of its owner"),
    ],
)
def test_a_hole_in_a_table_is_found_and_the_sql_beside_it_mends_it(
    database: Database, fault: str, what: str
) -> None:
    with psycopg.connect(database.owner_url, autocommit=True) as owner:
        owner.execute(fault)
        (hole,) = faults(database.app_url)
        assert what in hole.what
        owner.execute(hole.mend)
    assert faults(database.app_url) == []


def test_a_table_that_is_added_without_protection_is_found_and_mended(database: Database) -> None:
    with psycopg.connect(database.owner_url, autocommit=True) as owner:
        owner.execute("CREATE TABLE chatcore.added (owner text PRIMARY KEY)")
        holes = faults(database.app_url)
        assert {hole.what.partition(" ")[0] for hole in holes} == {"chatcore.added"}
        for hole in holes:
            owner.execute(hole.mend)
    assert faults(database.app_url) == []


def test_functions_that_are_open_or_act_for_their_owner_are_found_and_mended(database: Database) -> None:
    with psycopg.connect(database.owner_url, autocommit=True) as owner:
        owner.execute("CREATE FUNCTION chatcore.peek() RETURNS int SECURITY DEFINER RETURN 1")
        holes = faults(database.app_url)
        assert [hole.what for hole in holes] == [
            "chatcore.peek() acts with the powers of its owner",
            "everybody may call chatcore.peek()",
        ]
        for hole in holes:
            owner.execute(hole.mend)
    assert faults(database.app_url) == []


def test_a_database_that_cannot_be_reached_is_unavailable(database: Database) -> None:
    with pytest.raises(DatabaseUnavailable):
        faults(database.app_url.replace(database.name, "no_such_database"))
