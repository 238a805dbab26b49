"""The program says what it can do, quickly and on standard output."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from entrypoints.cli.program import VERBS
from tests.cli.conftest import Run

PROGRAM = Path(sys.executable).with_name("chatcore")
HEAVY = {"litestar", "openai", "psycopg", "structlog", "dependency_injector", "aiohttp", "uvicorn", "msgspec"}


def test_help_lists_every_command_and_imports_nothing_heavy() -> None:
    program = (
        "import sys; from entrypoints.cli import main; "
        "main(['--help'], standalone_mode=False); print(*sys.modules, file=sys.stderr)"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=30
    )
    assert all(f"\n  {name} " in result.stdout for name in VERBS)
    assert HEAVY & set(result.stderr.split()) == set()


def test_help_says_nothing_on_standard_error() -> None:
    result = subprocess.run([PROGRAM, "--help"], capture_output=True, text=True, check=True, timeout=30)
    assert result.stdout.startswith("Usage: chatcore")
    assert result.stderr == ""


def test_help_is_quick() -> None:
    def seconds() -> float:
        began = time.perf_counter()
        subprocess.run([PROGRAM, "--help"], capture_output=True, check=True, timeout=30)
        return time.perf_counter() - began

    # The best of some: other tests run on this machine.
    assert min(seconds() for _ in range(10)) < 0.3


def test_the_version_is_told(run: Run) -> None:
    result = run("--version")
    assert result.exit_code == 0
    assert result.stdout.startswith("chatcore 0.")


@pytest.mark.parametrize("name", VERBS)
def test_each_command_has_help_of_its_own(run: Run, name: str) -> None:
    result = run(name, "--help")
    assert result.exit_code == 0, result.stderr
    assert result.stdout.startswith(f"Usage: main {name}")


def test_an_unknown_command_is_an_error_of_usage(run: Run) -> None:
    assert run("frobnicate").exit_code == 2


def test_faulty_settings_end_a_command_with_every_fault(run: Run) -> None:
    result = run("token", "me", PORT="x", CHATCORE_LLM="y")
    assert result.exit_code == 1
    assert "PORT: " in result.stderr
    assert "CHATCORE_LLM: " in result.stderr
    assert result.stdout == ""
