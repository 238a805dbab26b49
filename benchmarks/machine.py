"""What machine, and what versions, a run was made on."""

import os
import platform
import re
import subprocess
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

from benchmarks.servers import ROOT, USUAL_VENV

OURS = ("litestar", "msgspec", "psycopg", "openai", "aiohttp", "uvicorn", "uvloop", "httptools")
USUAL = ("fastapi", "pydantic", "sqlalchemy", "asyncpg", "openai", "uvicorn", "uvloop", "httptools")


def description() -> dict[str, str]:
    """Return what there is to know of the machine."""
    processor = re.search(r"^model name\s*:\s*(.+)$", _read("/proc/cpuinfo"), re.MULTILINE)
    memory = re.search(r"^MemTotal:\s*(\d+) kB", _read("/proc/meminfo"), re.MULTILINE)
    return {
        "processor": processor[1] if processor else platform.processor(),
        "cores": str(os.cpu_count()),
        "memory": f"{int(memory[1]) / 1_048_576:.0f} GB" if memory else "unknown",
        "system": f"{platform.system()} {platform.release()}",
        "load before": " ".join(f"{load:.2f}" for load in os.getloadavg()),
    }


def versions(postgres: str) -> dict[str, str]:
    """Return the versions of what is compared."""
    return {
        "python": platform.python_version(),
        "postgres": postgres,
        "commit": _output(["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"]),
        "chatcore": _listed({one: _version(one) for one in OURS}),
        "usual": _listed(_usual()),
    }


def _usual() -> dict[str, str]:
    program = "import sys\nfrom importlib.metadata import version\nfor n in sys.argv[1:]: print(n, version(n))"
    lines = _output([str(USUAL_VENV / "bin" / "python"), "-c", program, *USUAL]).splitlines()
    return dict(line.split(" ", 1) for line in lines)


def _listed(found: dict[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in found.items())


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"


def _output(command: Sequence[str]) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=30).stdout.strip()
    except OSError:
        return ""


def _read(path: str) -> str:
    try:
        return Path(path).read_text()
    except OSError:
        return ""
