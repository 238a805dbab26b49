"""The command line. Each command is a module of its own, imported only when it is called, so `--help` is quick."""

from entrypoints.cli.program import main

__all__ = ["main"]
