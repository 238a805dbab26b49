"""The embedded database is set up right by itself, by any number of processes, and at once when it is set up."""

import subprocess
import sys
import time
from collections.abc import Iterator

import psycopg
import pytest

from adapters.postgres.migrate import MigrationFailed, migrate_down, pending
from adapters.postgres.posture import faults
from adapters.postgres.provision import as_role, prepare_embedded
from tests.databases import embedded_server

_PREPARE = "import sys; from adapters.postgres.provision import prepare_embedded; prepare_embedded(sys.argv[1])"


@pytest.fixture(scope="module")
def superuser_url() -> Iterator[str]:
    """A server of this module's own: the embedded database and its roles have fixed names."""
    with embedded_server() as url:
        yield url


def test_several_processes_set_up_one_database_with_a_role_that_may_only_serve(superuser_url: str) -> None:
    setting_up = [subprocess.Popen([sys.executable, "-c", _PREPARE, superuser_url]) for _ in range(4)]
    assert [process.wait(timeout=60) for process in setting_up] == [0] * 4
    owner_url, app_url = prepare_embedded(superuser_url)
    assert pending(app_url) == []
    assert faults(app_url) == []
    with psycopg.connect(superuser_url) as superuser:
        roles = superuser.execute(
            "SELECT rolname, rolcanlogin, rolsuper, rolbypassrls, rolcreatedb, rolcreaterole, rolreplication"
            " FROM pg_roles WHERE rolname LIKE 'chatcore%' ORDER BY 1"
        ).fetchall()
    assert roles == [
        ("chatcore_app", True, False, False, False, False, False),
        ("chatcore_owner", True, False, False, False, False, False),
    ]
    with psycopg.connect(owner_url) as owner:
        assert owner.info.user == "chatcore_owner"


def test_what_is_set_up_already_is_recognised_at_once(superuser_url: str) -> None:
    prepare_embedded(superuser_url)
    fastest = min(timed(superuser_url) for _ in range(5))
    assert fastest < 0.1


def timed(superuser_url: str) -> float:
    began = time.perf_counter()
    prepare_embedded(superuser_url)
    return time.perf_counter() - began


def test_a_set_up_that_was_broken_off_is_completed(superuser_url: str) -> None:
    owner_url, app_url = prepare_embedded(superuser_url)
    migrate_down(owner_url)
    assert pending(app_url) != []
    prepare_embedded(superuser_url)
    assert pending(app_url) == []
    with psycopg.connect(superuser_url, autocommit=True) as superuser:
        superuser.execute("DROP DATABASE chatcore")
    prepare_embedded(superuser_url)
    assert faults(app_url) == []
    with psycopg.connect(owner_url, autocommit=True) as owner:
        owner.execute("REVOKE ALL ON ALL TABLES IN SCHEMA chatcore_migration FROM chatcore_app")
    prepare_embedded(superuser_url)
    assert pending(app_url) == []


def test_a_server_that_is_not_there_is_a_failure_in_words() -> None:
    with pytest.raises(MigrationFailed, match="No such file"):
        prepare_embedded("postgresql://postgres@/postgres?host=/nowhere&port=1")


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (
            "postgresql://postgres@/postgres?host=%2Frun&port=1",
            "postgresql://a%40b:c%3Ad@/db?host=%2Frun&port=1",
        ),
        ("postgres://x:y@h:5/z?sslmode=require", "postgres://a%40b:c%3Ad@h:5/db?sslmode=require"),
    ],
)
def test_a_url_is_given_another_role_and_database_and_keeps_the_rest(url: str, expected: str) -> None:
    assert as_role(url, "a@b", "c:d", "db") == expected
