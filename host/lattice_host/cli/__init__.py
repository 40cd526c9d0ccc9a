"""The command line `lattice-host`: one file per noun, thin over the node. Texts for people, `--json` for programs."""

from ..entry import main
from .app import app

__all__ = ["app", "main"]
