"""Any provider that speaks OpenAI's chat completions, through the official SDK."""

from adapters.openai.model import GEMINI_URL, OpenAILanguageModel

__all__ = ["GEMINI_URL", "OpenAILanguageModel"]
