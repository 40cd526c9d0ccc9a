"""`make campaign-folder`: a log in a folder with 1 GiB and a million intentions.

    PYTHONPATH=tests/core python tests/host/folder_campaign.py [INTENTIONS]

Authors write at random; batches are committed or rolled back; the storage is opened again, with its checkpoint and
without one; then everything that was committed is there, where the log and the chains say.
"""

import hashlib
import json
import os
import pathlib
import random
import resource
import sys
import tempfile
import time

from lattice_core.model.intention import Intention, encode_body, from_body
from lattice_core.seams import BytesBody
from lattice_core.storage.contract import TABLE_DATA, ZERO
from lattice_flash import checkpoint
from lattice_flash.roomy import folder as geometry_of
from lattice_flash.storage import FlashStorage
from support.folder_vfs import BLOCK_BYTES, FolderVfs

STORE = b"folder-campaign-"
OPS_BYTES = 870  # with them a million intentions take 1 GiB
LARGE_BYTES = 20000  # one in 997 has so many: it lies in a bulk segment
BATCH = 100


class LongHistory:
    """What was committed, in a few words: the hashes in witness order, and who wrote each."""

    def __init__(self, path: str, seed: int, geometry, authors: int, blocks: int):
        self.vfs = FolderVfs(path, blocks)
        self.geometry = geometry
        self.random = random.Random(seed)
        self.authors = [bytes([n + 1]) * 32 for n in range(authors)]
        self.hashes: list[bytes] = []
        self.writers: list[int] = []
        self.tips = [ZERO] * authors
        self.keys: dict[bytes, bytes] = {}
        self.storage = self._opened()

    def _opened(self) -> FlashStorage:
        return FlashStorage(self.vfs, os.urandom, None, self.geometry)

    def batch(self, count: int, size: int) -> None:
        """A batch of intentions, each with a row for one in ten; one batch in twenty is rolled back, and its
        intentions come in the next."""
        store = self.storage.store(STORE)
        tips, hashes, writers, keys = list(self.tips), [], [], {}
        for _ in range(count):
            number = len(self.hashes) + len(hashes)
            writer = self.random.randrange(len(self.authors))
            made = self._made(writer, tips[writer], number, LARGE_BYTES if number % 997 == 996 else size)
            store.put(made, True)
            store.witness(made.hash, number, hashlib.blake2s(made.hash).digest())
            tips[writer] = made.hash
            hashes.append(made.hash)
            writers.append(writer)
            if number % 10 == 0:
                key = b"key %d" % self.random.randrange(1 + number // 10)
                store.put_row(TABLE_DATA, key, made.hash)
                keys[key] = made.hash
        if self.random.random() < 0.05 and len(self.hashes) < 20000:
            self.storage.rollback()
            return
        self.storage.commit()
        self.tips = tips
        self.hashes += hashes
        self.writers += writers
        self.keys.update(keys)

    def _made(self, writer: int, prev: bytes, number: int, size: int) -> Intention:
        ops = number.to_bytes(8, "big") + bytes(size - 8)
        body = encode_body(self.authors[writer], number, 0, STORE, prev, (), ops)
        return from_body(BytesBody(body), hashlib.blake2s(body).digest(), b"s" * 64)

    def rest(self) -> None:
        """All housekeeping that is due."""
        while self.storage.idle():
            pass

    def reopen(self, with_checkpoint: bool) -> None:
        if not with_checkpoint and self.storage.files.size(checkpoint.NAME) >= 0:
            self.storage.files.remove(checkpoint.NAME)
        self.storage = self._opened()

    def check(self, samples: int) -> None:
        store = self.storage.store(STORE)
        assert store.count == len(self.hashes)
        assert store.head == hashlib.blake2s(self.hashes[-1]).digest()
        chains: list[list[int]] = [[] for _ in self.authors]
        for number, writer in enumerate(self.writers):
            chains[writer].append(number)
        for author, tip, chain in zip(self.authors, self.tips, chains, strict=True):
            assert store.chain(author) == (len(chain), tip)
        for _ in range(samples):
            number = self.random.randrange(len(self.hashes))
            self._check_one(store, number, chains[self.writers[number]])
        for key in self.random.sample(sorted(self.keys), min(samples, len(self.keys))):
            assert store.row(TABLE_DATA, key) == self.keys[key]

    def _check_one(self, store, number, chain) -> None:
        hash, author = self.hashes[number], self.authors[self.writers[number]]
        place = chain.index(number) + 1
        assert store.witness_sequence(hash) == number + 1
        assert store.witness_at(number + 1) == (hash, number)
        assert store.position(hash) == (author, place)
        assert store.length_at(author, number + 1) == place
        assert store.chain_at(author, place) == hash
        body = store.get(hash).body
        assert hashlib.blake2s(body.read(0, body.size)).digest() == hash

    def used_bytes(self) -> int:
        return sum(path.stat().st_size for path in pathlib.Path(self.vfs.folder).rglob("*") if path.is_file())


def run(path: str, intentions: int, seed: int, geometry, authors: int = 50, size: int = OPS_BYTES) -> dict:
    """Fills a folder, opens it again and checks it; the figures."""
    figures = {}
    history = LongHistory(path, seed, geometry, authors, 4 * intentions * (size + 500) // BLOCK_BYTES + 1024)
    began = time.monotonic()
    while len(history.hashes) < intentions:
        history.batch(BATCH, size)
        if history.random.random() < 0.02:
            history.rest()
    history.rest()
    figures["written_s"] = round(time.monotonic() - began, 1)
    for with_checkpoint in (True, False):
        began = time.monotonic()
        history.reopen(with_checkpoint)
        figures["opened_s" if with_checkpoint else "opened_without_checkpoint_s"] = round(time.monotonic() - began, 1)
        history.check(min(intentions, 2000))
        history.batch(BATCH, size)
        history.check(100)
    figures["intentions"] = len(history.hashes)
    figures["rows"] = len(history.keys)
    figures["bytes"] = history.used_bytes()
    figures["memory_mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    return figures


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="campaign-folder-") as path:
        print(json.dumps(run(path, int(sys.argv[1]) if len(sys.argv) > 1 else 1000000, 1, geometry_of())))
