"""Whatever is killed, nothing is left running, nothing half made, and nothing committed is lost."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from threading import Timer

import psycopg

from adapters.embedded import EmbeddedPostgres, launch
from adapters.embedded.layout import Layout
from adapters.embedded.process import ENDINGS, end
from tests.integration.embedded.holder import Holder, ask, do, postmaster, runs, soon


def test_a_killed_server_is_started_again_with_what_was_committed(made: Path) -> None:
    with EmbeddedPostgres(made) as server:
        url = server.start()
        do(url, "CREATE TABLE kept AS SELECT 1 AS answer")
        with psycopg.connect(url, autocommit=True) as busy:
            busy.execute("SELECT 1")
            killed = postmaster(made)
            os.kill(killed, signal.SIGKILL)
            assert soon(lambda: not server.alive())
            assert server.restart_if_dead()
        assert server.alive()
        assert postmaster(made) != killed
        assert ask(url, "SELECT answer FROM kept") == "1"


def test_a_start_waits_for_the_last_process_of_the_killed_server(made: Path) -> None:
    with EmbeddedPostgres(made, durable=False) as server:
        url = server.start()
        with psycopg.connect(url, autocommit=True) as connection:
            slow = connection.info.backend_pid
            os.kill(slow, signal.SIGSTOP)
            os.kill(postmaster(made), signal.SIGKILL)
            assert soon(lambda: not server.alive())
            later = Timer(0.4, os.kill, (slow, signal.SIGCONT))
            later.start()
            assert server.restart_if_dead()
            later.join()
        assert ask(url, "SELECT 1") == "1"


def test_killing_us_leaves_no_process_and_the_next_start_recovers(made: Path) -> None:
    with Holder(made) as holder:
        holder.do("start")
        url = Layout(data_dir=made).conninfo
        do(url, "CREATE TABLE kept AS SELECT 1 AS answer")
        with psycopg.connect(url, autocommit=True) as connection:
            others = connection.execute("SELECT pid FROM pg_stat_activity").fetchall()
        family = [postmaster(made), *(pid for (pid,) in others)]
        assert len(family) > 3
        holder.kill()
        assert soon(lambda: not any(map(runs, family)))
    with EmbeddedPostgres(made, durable=False) as again:
        assert not again.attached
        assert ask(again.start(), "SELECT answer FROM kept") == "1"


def test_it_can_be_started_at_once_while_the_server_of_the_killed_is_going_down(
    made: Path,
) -> None:
    with Holder(made) as holder:
        holder.do("start")
        orphan = postmaster(made)
        holder.kill()
        with EmbeddedPostgres(made, durable=False) as server:
            assert not server.attached
            assert not runs(orphan)
            assert ask(server.start(), "SELECT 1") == "1"


def test_a_start_waits_for_a_server_that_is_slow_to_go_down(made: Path) -> None:
    with Holder(made) as holder:
        holder.do("start")
        orphan = postmaster(made)
        os.kill(orphan, signal.SIGSTOP)
        holder.kill()
        later = Timer(0.7, os.kill, (orphan, signal.SIGCONT))
        later.start()
        with EmbeddedPostgres(made, durable=False) as server:
            later.join()
            assert not server.attached
            assert not runs(orphan)
            assert runs(postmaster(made))


def test_a_program_whose_parent_died_before_it_could_ask_for_the_signal_ends_itself(
    data_dir: Path,
) -> None:
    stranger, uid, gid = 1, os.geteuid(), os.getegid()
    who = [str(number) for number in (stranger, uid, gid)]
    command = [sys.executable, launch.__file__, *who, str(data_dir), "log", "/bin/true"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if sys.platform == "linux":
        assert ended.returncode == 1
        assert "the process that started PostgreSQL is gone" in ended.stderr


def test_leaving_without_a_stop_leaves_no_process(made: Path) -> None:
    with Holder(made) as holder:
        holder.do("start")
        server = postmaster(made)
        holder.leave()
        assert soon(lambda: not runs(server))


def test_killing_us_while_the_directory_is_made_leaves_nothing_half_made(data_dir: Path) -> None:
    root = data_dir / "postgres"
    for part in ("PG_VERSION", "base/1", "base/4"):
        with Holder(data_dir) as holder:
            holder.order("start")
            assert soon(lambda part=part: any(root.glob(f"data.new-*/{part}")))  # type: ignore[misc]
            holder.kill()
        assert not (root / "data").exists()
    with EmbeddedPostgres(data_dir, durable=False) as server:
        assert ask(server.start(), "SELECT count(*) FROM pg_database") == "3"
        assert list(root.glob("data.new-*")) == []


def test_ctrl_c_in_the_terminal_does_not_reach_the_server(made: Path) -> None:
    with Holder(made) as holder:
        holder.do("start")
        server = postmaster(made)
        os.killpg(holder.process.pid, signal.SIGINT)
        time.sleep(0.3)
        assert runs(server)
        assert ask(Layout(data_dir=made).conninfo, "SELECT 1") == "1"
        assert not holder.do("stop")["alive"]
        assert soon(lambda: not runs(server))


def test_a_lock_left_by_a_dead_server_whose_number_is_somebody_elses_is_no_hindrance(
    made: Path,
) -> None:
    server = EmbeddedPostgres(made, durable=False)
    server.start()
    left = made / "postgres/data/postmaster.pid"
    lock = made / "postgres/run/.s.PGSQL.5432.lock"
    dead = str(postmaster(made))
    owner = left.stat().st_uid
    texts = {path: path.read_text() for path in (left, lock)}
    server.stop()
    with subprocess.Popen(["sleep", "60"], user=owner) as other:
        for path, text in texts.items():
            path.write_text(text.replace(dead, str(other.pid), 1))
            os.chown(path, owner, -1)
        assert ask(server.start(), "SELECT 1") == "1"
        server.stop()
        assert other.poll() is None
        other.kill()


def test_a_process_that_heeds_nothing_is_ended_in_bounded_time() -> None:
    deafness = "import signal, time\nfor s in (2, 3): signal.signal(s, signal.SIG_IGN)\n"
    program = [sys.executable, "-c", f"{deafness}print(flush=True)\ntime.sleep(60)"]
    with subprocess.Popen(program, stdout=subprocess.PIPE) as deaf:
        assert deaf.stdout is not None
        deaf.stdout.readline()
        end(deaf, [(how, 0.2) for how, _ in ENDINGS])
        assert deaf.poll() == -signal.SIGKILL
    assert sum(seconds for _, seconds in ENDINGS) < 10


def test_a_clean_stop_needs_no_recovery(made: Path) -> None:
    server = EmbeddedPostgres(made, durable=False)
    do(server.start(), "CREATE TABLE kept AS SELECT 1 AS answer")
    server.stop()
    server.start()
    server.stop()
    assert "not properly shut down" not in (made / "postgres/log/postgres.log").read_text()
