"""The storage suite on the log engine over a file system in memory, on both interpreters."""

from lattice_flash.flash_index import Memory
from lattice_flash.storage import FlashStorage
from support import crypto, storage_suite
from support.memory_vfs import MemoryVfs

_memory = Memory()


def make():
    return FlashStorage(MemoryVfs(), crypto().random, _memory)


def reopen(storage):
    return FlashStorage(storage.files.vfs.reborn(), crypto().random, _memory)


storage_suite.install(globals(), make, reopen)
