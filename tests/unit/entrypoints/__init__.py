"""Tests of what wires and starts the program."""
