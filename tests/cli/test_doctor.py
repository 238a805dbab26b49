"""The doctor finds what is wrong and says what mends it."""

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Run
from tests.databases import Database
from tests.upstream.fixtures import RunningUpstream

SECRET = "0123456789abcdef0123456789abcdef"


def grades(result: Any) -> dict[str, str]:
    return {check["about"]: check["grade"] for check in json.loads(result.stdout)["checks"]}


def test_an_empty_environment_is_healthy_but_without_a_real_model(run: Run) -> None:
    result = run("doctor")
    assert result.exit_code == 0, result.stdout
    assert "FAIL" not in result.stdout
    assert "warn  model (offline): no real model; set OPENAI_API_KEY" in result.stdout


def test_a_trail_that_is_off_is_a_warning(run: Run) -> None:
    result = run("doctor", "--json", CHATCORE_AUDIT="off")
    assert result.exit_code == 0, result.stdout
    assert grades(result)["CHATCORE_AUDIT"] == "warning"
    assert "CHATCORE_AUDIT" not in grades(run("doctor", "--json"))


def test_each_fault_of_the_settings_is_a_finding(run: Run) -> None:
    result = run("doctor", "--json", PORT="x", CHATCORE_ENV="production", CHATCORE_RATELIMIT="3")
    assert result.exit_code == 1
    assert grades(result) == {"CHATCORE_RATELIMIT": "warning", "PORT": "fault", "CHATCORE_ENV": "fault"}


def test_a_database_without_a_schema_is_a_fault_with_its_command(run: Run, bare_database: Database) -> None:
    result = run("doctor", DATABASE_URL=bare_database.app_url)
    assert result.exit_code == 1
    assert "run: chatcore migrate up" in result.stdout


def test_a_role_that_passes_by_the_barrier_is_a_fault_in_production(run: Run, database: Database) -> None:
    variables = {"DATABASE_URL": database.superuser_url, "AUTH_JWT_SECRET": SECRET}
    assert grades(run("doctor", "--json", **variables))["isolation"] == "warning"
    result = run("doctor", "--json", CHATCORE_ENV="production", **variables)
    assert grades(result)["isolation"] == "fault"
    assert "CREATE ROLE" in result.stdout


def test_a_database_that_is_away_is_a_fault(run: Run) -> None:
    result = run("doctor", "--json", DATABASE_URL="postgresql://nobody@127.0.0.1:1/none")
    assert grades(result)["DATABASE_URL"] == "fault"


def test_a_provider_that_is_away_is_a_fault(run: Run) -> None:
    result = run("doctor", "--json", OPENAI_API_KEY="sk-hush", OPENAI_BASE_URL="http://127.0.0.1:1/v1")
    assert result.exit_code == 1
    assert grades(result)["model (openai)"] == "fault"
    assert "hush" not in result.output


def test_a_data_directory_that_cannot_be_written_is_a_fault(run: Run) -> None:
    result = run("doctor", "--json", CHATCORE_DATA_DIR="/proc/chatcore")
    assert result.exit_code == 1
    assert grades(result)["embedded PostgreSQL"] == "fault"


def test_a_local_model_that_is_not_installed_is_a_fault_with_its_command(run: Run) -> None:
    if find_spec("xllamacpp") is not None:
        pytest.skip("the local model is installed")
    result = run("doctor", CHATCORE_LLM="local")
    assert result.exit_code == 1
    assert "requirements-demo.lock" in result.stdout
    assert "requirements-demo.lock" in run("serve", CHATCORE_LLM="local").stderr


def test_a_provider_that_answers_is_fine(run: Run, upstream: RunningUpstream) -> None:
    result = run("doctor", "--json", OPENAI_API_KEY="sk-hush", OPENAI_BASE_URL=upstream.url)
    assert result.exit_code == 0
    assert grades(result)["model (openai)"] == "ok"


def without_tracing(tmp_path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command where the extra is not installed, with a collector named."""
    program = "import sys; sys.modules['opentelemetry'] = None; from entrypoints.cli import main; main()"
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        env={"CHATCORE_DATA_DIR": str(tmp_path), "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_traces_without_what_sends_them_are_a_fault_with_its_command(tmp_path: Path) -> None:
    found = without_tracing(tmp_path, "doctor")
    assert found.returncode == 1
    assert "FAIL  OTEL_EXPORTER_OTLP_ENDPOINT: the extra `tracing` is not installed" in found.stdout
    assert "pip install '.[tracing]'" in found.stdout
    refused = without_tracing(tmp_path, "serve", "--port", "0")
    assert refused.returncode == 1
    assert "pip install '.[tracing]'" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_traces_that_can_be_sent_are_fine(run: Run) -> None:
    result = run("doctor", "--json", OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:4318")
    assert grades(result)["OTEL_EXPORTER_OTLP_ENDPOINT"] == "ok"
