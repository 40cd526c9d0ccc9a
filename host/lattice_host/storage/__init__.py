"""The host's storage: one SQLite file for everything of one node. The contract is lattice_core.weaver.store."""

from .sqlite import SqliteStorage

__all__ = ["SqliteStorage"]
