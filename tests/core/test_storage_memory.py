"""The storage suite on the memory storage."""

from lattice_core.testing.memory import MemoryStorage
from support import storage_suite


def make():
    return MemoryStorage(1 << 17)


def reopen(storage):
    return storage.reopened()


storage_suite.install(globals(), make, reopen, True)
