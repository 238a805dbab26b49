"""The local model's own process: llama.cpp's OpenAI-compatible server on a loopback port.

`python -m adapters.local_model.server WEIGHTS CONTEXT_TOKENS LONGEST_REPLY` reads the API key as its first
line, prints its address once it is ready, and ends with its standard input: whoever started it holds the
other end, and however that process dies, the pipe closes.
"""

import os
import sys

import xllamacpp  # type: ignore[import-not-found, import-untyped, unused-ignore] # of the demo, not of the project

_TEMPERATURE = 0.1
_DRY_MULTIPLIER = 0.8
"""Without "don't repeat yourself" sampling so small a model says the same sentence for ever."""
_STREAMS = 8


def parameters(weights: str, context: int, longest_reply: int, key: str) -> "xllamacpp.CommonParams":
    """Return how the server runs: one thread, one reply at a time, and nothing but completions."""
    chosen = xllamacpp.CommonParams()
    chosen.model.path = weights
    chosen.n_ctx = context
    chosen.n_predict = longest_reply
    chosen.n_parallel = 1
    chosen.n_threads_http = _STREAMS
    # A second thread on a small machine is slower than one, and takes from those who serve.
    chosen.cpuparams.n_threads = 1
    chosen.cpuparams_batch.n_threads = 1
    chosen.sampling.temp = _TEMPERATURE
    chosen.sampling.dry_multiplier = _DRY_MULTIPLIER
    chosen.cache_ram_mib = 0
    chosen.api_keys = [key]
    chosen.port = 0
    chosen.ui = False
    chosen.endpoint_slots = False
    return chosen


def main() -> None:
    """Serve until standard input ends."""
    _, weights, context, longest_reply = sys.argv
    key = sys.stdin.readline().strip()
    server = xllamacpp.Server(parameters(weights, int(context), int(longest_reply), key))
    sys.stdout.write(f"{server.listening_address}\n")
    sys.stdout.flush()
    # Nobody reads on, and a full pipe would hold the server up.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.stdin.read()
    # The server's threads may be in mid-reply and are not worth waiting for.
    os._exit(0)


if __name__ == "__main__":
    main()
