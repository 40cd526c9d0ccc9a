"""The storage suite on the memory storage."""

import storage_suite
from lattice_core.testing.memory import MemoryStorage


def make():
    return MemoryStorage(1 << 17)


def reopen(storage):
    return storage.reopened()


storage_suite.install(globals(), make, reopen, True)
