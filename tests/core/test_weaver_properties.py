"""The properties of weaver and tables on the memory storage."""

import weaver_suite
from lattice_core.testing.memory import MemoryStorage


def reopen(storage):
    return storage.reopened()


weaver_suite.install(globals(), MemoryStorage, reopen)
