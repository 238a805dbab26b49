"""A real, small language model that runs on this machine, in a process of its own."""

from adapters.local_model.process import CONTEXT_TOKENS, LocalModel, LocalModelUnavailable

__all__ = ["CONTEXT_TOKENS", "LocalModel", "LocalModelUnavailable"]
