"""One contract for every LanguageModel."""
