"""Tests of the engine: asking, speaking, listening."""
