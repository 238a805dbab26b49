"""Each contract of import-linter is broken once on purpose, in a copy, and has to be seen to bite."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCSTRING = "# A module that nobody has placed."
PACKAGES = ("chatcore", "adapters", "entrypoints", "migrations")

TRESPASSES = [
    ("Entrypoints use adapters", "chatcore/text.py", "import adapters.offline"),
    ("Entrypoints use adapters", "adapters/offline/words.py", "import entrypoints.settings"),
    ("Only the composition root knows adapters", "entrypoints/http/cursors.py", "import adapters.offline"),
    ("Only the composition root knows adapters", "entrypoints/cli/common.py", "import adapters.embedded"),
    ("Adapters do not know each other", "adapters/offline/words.py", "import adapters.memory.state"),
    ("The domain is a stack", "chatcore/text.py", "import chatcore.prompt"),
    ("The domain is a stack", "chatcore/novelty.py", "import chatcore.text"),
    ("There are no cycles among siblings", "entrypoints/metrics.py", "import entrypoints.observing"),
    ("PostgreSQL's driver stays", "adapters/backup/archive.py", "import psycopg"),
    ("PostgreSQL's driver stays", "entrypoints/serving.py", "import psycopg_pool"),
    ("PostgreSQL's driver stays", "entrypoints/wiring/schema.py", "import yoyo"),
    ("The model SDK stays", "entrypoints/wiring/models.py", "import openai"),
    ("The local model's runtime stays", "entrypoints/wiring/models.py", "import xllamacpp"),
    ("Traces stay", "entrypoints/observing.py", "import opentelemetry"),
    ("Cryptography stays", "entrypoints/wiring/tokens.py", "import jwt"),
    ("The web framework stays", "entrypoints/metrics.py", "import litestar"),
    ("The web server stays", "entrypoints/serving.py", "import uvicorn"),
    ("The DI framework stays", "entrypoints/http/app.py", "import dependency_injector"),
    ("The command line's framework stays", "entrypoints/serving.py", "import click"),
    ("Figures are kept by one module", "entrypoints/http/edge.py", "import prometheus_client"),
    ("Structured lines", "adapters/postgres/database.py", "import structlog"),
]


def lint(directory: Path) -> subprocess.CompletedProcess[str]:
    # With the copy first on the path, the copy is what is linted.
    program = (
        f"import sys; sys.path.insert(0, {str(directory)!r}); from importlinter.cli import lint_imports_command"
    )
    return subprocess.run(
        [sys.executable, "-c", f"{program}; lint_imports_command(['--no-cache'])"],
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("copy")
    shutil.copy(ROOT / "pyproject.toml", directory)
    for package in PACKAGES:
        shutil.copytree(ROOT / package, directory / package, ignore=shutil.ignore_patterns("__pycache__"))
    return directory


def test_the_contracts_hold(copy: Path) -> None:
    result = lint(copy)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize(("contract", "file", "trespass"), TRESPASSES)
def test_a_trespass_is_seen(copy: Path, contract: str, file: str, trespass: str) -> None:
    path = copy / file
    before = path.read_text() if path.exists() else None
    path.write_text(f"{before or DOCSTRING}\n{trespass}\n")
    try:
        result = lint(copy)
    finally:
        path.unlink() if before is None else path.write_text(before)
    broken = [line for line in result.stdout.splitlines() if line.rstrip().endswith("BROKEN")]
    assert any(line.startswith(contract) for line in broken), result.stdout


def test_every_contract_is_broken_by_some_trespass(copy: Path) -> None:
    kept = [line for line in lint(copy).stdout.splitlines() if line.rstrip().endswith("KEPT")]
    trespassed = {contract for contract, _, _ in TRESPASSES}
    assert [line for line in kept if not any(line.startswith(contract) for contract in trespassed)] == []
