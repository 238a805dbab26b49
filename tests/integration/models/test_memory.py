"""Whatever a provider sends, a call takes no more memory than we promise."""

import subprocess
import sys

import pytest

from tests.upstream.fixtures import RunningUpstream

MOST = 32 * 1024 * 1024
FLOODS = [
    "endless-refusal",
    "bomb-refusal",
    "endless-text",
    "endless-line",
    "bomb",
    "choices-bomb",
    "deep",
]


@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak from /proc")
@pytest.mark.parametrize("streamed", ["streamed", "whole"])
@pytest.mark.parametrize("fault", FLOODS)
def test_a_flood_does_not_fill_the_memory(upstream: RunningUpstream, fault: str, streamed: str) -> None:
    probe = [sys.executable, "-m", "tests.integration.models.memory_probe", upstream.url, fault, streamed]
    answer = subprocess.run(probe, check=True, capture_output=True, text=True, timeout=60)
    assert int(answer.stdout) < MOST
