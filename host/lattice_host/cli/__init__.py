"""The command line `lattice-host`: one file per noun, thin over the node. Texts for people, `--json` for programs."""

from .app import app, main

__all__ = ["app", "main"]
