"""The wrappers of language models, each for its own behaviour."""
