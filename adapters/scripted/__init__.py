"""A language model that says what a test wrote for it."""

from adapters.scripted.model import Reply, ScriptedLanguageModel

__all__ = ["Reply", "ScriptedLanguageModel"]
