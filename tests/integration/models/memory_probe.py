"""Ask a provider once, warmed up, and print by how many bytes the process's peak grew; a program of its own."""

import asyncio
import re
import sys
from pathlib import Path

from adapters.openai import OpenAILanguageModel
from tests.integration.models.asking import ask

STATUS = Path("/proc/self/status")


def figure(name: str) -> int:
    found = re.search(rf"{name}:\s+(\d+) kB", STATUS.read_text())
    assert found
    return int(found[1]) * 1024


def reset_peak() -> int:
    """Return what is used now, the peak from here on."""
    Path("/proc/self/clear_refs").write_text("5")
    return figure("VmRSS")


async def main(url: str, fault: str, *, streamed: bool) -> int:
    usual = OpenAILanguageModel(api_key="key", base_url=url, model="words:64", timeout=10)
    faulty = OpenAILanguageModel(api_key="key", base_url=url, model=f"fault:{fault}", timeout=10)
    for _ in range(20):
        await ask(usual, streamed=streamed)
    await faulty.open()
    before = reset_peak()
    outcome = await ask(faulty, streamed=streamed)
    grown = figure("VmHWM") - before
    await usual.close()
    await faulty.close()
    assert outcome.error is not None
    return grown


if __name__ == "__main__":
    print(asyncio.run(main(sys.argv[1], sys.argv[2], streamed=sys.argv[3] == "streamed")))  # noqa: T201 - the answer
