"""The command line. A command's module is imported only when it is called, so `--help` is quick."""

from entrypoints.cli.program import main

__all__ = ["main"]
