"""The properties of weaver and tables on the memory storage."""

from lattice_core.testing.memory import MemoryStorage
from support import weaver_suite


def reopen(storage):
    return storage.reopened()


weaver_suite.install(globals(), MemoryStorage, reopen)
