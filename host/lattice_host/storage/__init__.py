"""The host's storage: one SQLite file for everything of one node. The contract is lattice_core.storage.contract."""

from .database import may_write
from .sqlite import SqliteStorage

__all__ = ["SqliteStorage", "may_write"]
