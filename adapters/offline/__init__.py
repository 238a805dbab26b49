"""A stand-in for a language model that needs nothing: no key, no network, no weights."""

from adapters.offline.model import OfflineLanguageModel

__all__ = ["OfflineLanguageModel"]
