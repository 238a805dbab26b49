"""Several processes use one directory: one owns the server, the others attach, and one succeeds."""

import os
import signal
from contextlib import ExitStack
from pathlib import Path

import pytest

from adapters.embedded import EmbeddedPostgres
from adapters.embedded.errors import DirectoryInUse
from adapters.embedded.layout import Layout
from adapters.embedded.postmaster import await_orphan
from tests.integration.embedded.holder import Holder, ask, do, postmaster, runs, soon

_OWNER = {"alive": True, "attached": False}
_GUEST = {"alive": True, "attached": True}
_NONE = {"alive": False, "attached": False}


def test_a_second_process_attaches_and_does_not_stop_what_is_not_its_own(made: Path) -> None:
    with EmbeddedPostgres(made, durable=False) as owner, Holder(made) as guest:
        assert guest.do("start") == _GUEST
        assert guest.do("stop") == _NONE
        guest.kill()
        assert owner.alive()
        assert ask(owner.start(), "SELECT 1") == "1"


def test_a_guest_uses_the_same_url(made: Path) -> None:
    with Holder(made) as owner:
        owner.do("start")
        with EmbeddedPostgres(made, durable=False) as guest:
            assert guest.attached
            assert ask(guest.start(), "SELECT 1") == "1"
        assert owner.do("restart") == _OWNER


def test_a_guest_takes_over_when_the_owner_stops(made: Path) -> None:
    with Holder(made) as owner, _guest_of(owner, made) as guest:
        do(guest.start(), "CREATE TABLE kept AS SELECT 1 AS answer")
        owner.do("stop")
        assert not guest.alive()
        assert guest.restart_if_dead()
        assert not guest.attached
        assert ask(guest.start(), "SELECT answer FROM kept") == "1"
        assert owner.do("start") == _GUEST


def test_a_guest_takes_over_when_the_owner_is_killed(made: Path) -> None:
    with Holder(made) as owner, _guest_of(owner, made) as guest:
        do(guest.start(), "CREATE TABLE kept AS SELECT 1 AS answer")
        owner.kill()
        assert soon(lambda: not guest.alive())
        assert guest.restart_if_dead()
        assert not guest.attached
        assert ask(guest.start(), "SELECT answer FROM kept") == "1"


def test_a_guest_waits_for_the_owner_to_mend_its_server(made: Path) -> None:
    with Holder(made) as owner, _guest_of(owner, made) as guest:
        killed = postmaster(made)
        os.kill(killed, signal.SIGKILL)
        assert soon(lambda: not runs(killed))
        assert soon(lambda: not guest.alive())
        owner.order("restart")
        assert guest.restart_if_dead()
        assert guest.attached
        assert owner.answer() == _OWNER
        assert ask(guest.start(), "SELECT 1") == "1"


def test_of_many_that_start_at_once_in_a_new_directory_one_owns_it(data_dir: Path) -> None:
    with ExitStack() as stack:
        holders = [stack.enter_context(Holder(data_dir)) for _ in range(6)]
        for holder in holders:
            holder.order("start")
        answers = [holder.answer() for holder in holders]
        assert sorted(answer["attached"] for answer in answers) == [False, *([True] * 5)]
        assert all(answer["alive"] for answer in answers)
        pid = postmaster(data_dir)
        for holder in holders:
            holder.do("stop")
        assert not runs(pid)


def test_a_server_that_nobody_looks_after_is_named(made: Path) -> None:
    with (
        EmbeddedPostgres(made, durable=False),
        pytest.raises(DirectoryInUse, match=f"kill -INT {postmaster(made)}`"),
    ):
        await_orphan(Layout(data_dir=made), seconds=0.05)


def _guest_of(owner: Holder, directory: Path) -> EmbeddedPostgres:
    """Return a server that the owner has started, to be attached to."""
    assert owner.do("start") == _OWNER
    return EmbeddedPostgres(directory, durable=False)
