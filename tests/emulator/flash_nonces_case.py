"""No nonce stands over two contents: across starts, lost writes, rollbacks and compactions, wherever the power goes.

All that is ever written is watched, synced or not. Each byte belongs to the nonce of the head before it; what a nonce
was used for is kept over all starts of one history.
"""

from struct import unpack_from

from lattice_core.storage.contract import TABLE_DATA
from lattice_flash import layout
from lattice_flash.flash_index import Memory
from lattice_flash.nonces import Nonces
from lattice_flash.storage import FlashStorage
from support import Rng, case, crypto
from support.memory_vfs import MemoryVfs, PowerCut
from support.storage_suite import STORE, author_key, chain, head

_memory = Memory()
_BLOCKS = 160
_EVERY = 5  # of the operations of a start is cut at, and at the first ones of the next start


class NonceUses:
    """What each nonce was used for."""

    def __init__(self):
        self.uses = {}  # nonce: (file, position of the first byte under it, bytes)
        self.current = {}  # file: [nonce, parsed up to here, bytes behind that]

    def new_start(self):
        self.current = {}

    def write(self, name, position, data):
        kind = name[3] if name.startswith("/s/") else "r"
        if position == 0 or name not in self.current:
            self.current[name] = [0, position, b""]
        if kind == "L":
            self._log(name, position, data)
        elif kind == "B":
            if data[:4] == layout.EXTENT_MAGIC and len(data) == layout.EXTENT_HEAD_BYTES:
                self.current[name][0] = unpack_from(layout.EXTENT_HEAD, data, 0)[1]
            elif data.count(b"\x00") < len(data) or len(data) > 3:  # else it fills up to a multiple of 4
                self._used(self.current[name][0], name, position, data)
        else:
            self._plain_head(name, position, data, 24 if kind == "i" else 16)

    def _plain_head(self, name, position, data, nonce_at):
        """A checkpoint or a copy of the records: one nonce, in the head."""
        if position == 0:
            self.current[name][0] = unpack_from("<I", data, nonce_at)[0]
            data = data[nonce_at + 8 :]
            position = nonce_at + 8
        elif len(data) == 4:
            return  # the checksum of the file
        self._used(self.current[name][0], "index" if nonce_at == 24 else "records", position, data)

    def _log(self, name, position, data):
        state = self.current[name]
        rest = state[2] + data
        at = state[1]
        while len(rest) >= layout.HEADER_BYTES:
            word = unpack_from("<I", rest, 4)[0]
            size = layout.record_bytes(word & 0xFFFFFF)
            if len(rest) < size:
                break
            kind = word >> 24
            if kind == layout.SEGMENT:
                state[0] = unpack_from(layout.SEGMENT_HEAD, rest, layout.HEADER_BYTES)[5]
            elif kind == layout.SECTION:
                state[0] = unpack_from("<I", rest, layout.HEADER_BYTES)[0]
            else:
                self._used(state[0], name, at, rest[:size])
            at += size
            rest = rest[size:]
        state[1] = at
        state[2] = rest

    def _used(self, nonce, name, position, data):
        assert nonce, "%s: bytes at %d without a nonce" % (name, position)
        used = self.uses.get(nonce)
        if used is None:
            self.uses[nonce] = (name, position, bytes(data))
            return
        there, first, before = used
        assert there == name, "nonce %d in %s and in %s" % (nonce, there, name)
        assert position >= first, "nonce %d: before its beginning" % nonce
        at = position - first
        both = min(len(before) - at, len(data))
        assert both <= 0 or before[at : at + both] == data[:both], "nonce %d: two contents at %d" % (nonce, position)
        if at + len(data) > len(before):
            self.uses[nonce] = (name, first, before[:at] + bytes(data))


class History:
    """One chip over several starts."""

    def __init__(self, seed):
        self.rng = Rng(seed)
        self.vfs = MemoryVfs(_BLOCKS)
        self.watched = NonceUses()
        self.starts = 0

    def start(self, cut_at=0):
        self.starts += 1
        self.watched.new_start()
        self.vfs = self.vfs.reborn()
        self.vfs.cut_at = cut_at
        self.vfs.watch = self.watched.write
        return FlashStorage(self.vfs, crypto().random, _memory)

    def cut(self, at):
        """A start that is cut at its operation number `at`; False when it needs fewer."""
        try:
            self.work(self.start(at))
        except PowerCut:
            return True
        return False

    def work(self, storage):
        """A little of all that is ever written; no two starts write the same."""
        rng = self.rng
        author = author_key(self.starts & 255)
        store = storage.store(STORE)
        storage.put_record(b"own", rng.bytes(20))
        for number, item in enumerate(chain(author, 3)):
            store.put(item)
            if number < 2:
                store.witness(item.hash, 5, head(store.count + 1))
        storage.commit()
        for number in range(2):
            writer = storage.body_writer(9000)
            writer.write(rng.bytes(4001 + number))
            writer.write(rng.bytes(4001))
            store.put_blob(rng.bytes(32), writer.body())
            store.put_row(TABLE_DATA, b"key", rng.bytes(3000))
            storage.commit()
        for number in range(6):
            store.put_row(TABLE_DATA, b"lost %d" % number, rng.bytes(3000))
        storage.rollback()
        store = storage.store(STORE)
        for hash, _ in list(store.blobs())[:1]:
            store.drop_blob(hash)
        storage.put_record(b"own", rng.bytes(20))
        storage.commit()
        storage.note_end()


def test_wherever_the_power_goes_once_and_again():
    at = 1
    while True:
        history = History(at)
        with case("cut at %d" % at):
            if not history.cut(at):
                break
            for again in (1, 2, 3, 5, 8, 13, 21, 30):
                history.cut(again)
            history.cut(0)
            history.cut(at)
            history.work(history.start())
        at += _EVERY


def test_compaction_and_checkpoints():
    """The chip is written over several times, with starts in between."""
    history = History(3)
    for _ in range(6):
        storage = history.start()
        for number in range(40):
            storage.store(STORE).put_row(TABLE_DATA, b"key %d" % (number % 3), history.rng.bytes(3500))
            if number % 3 == 2:
                storage.commit()
            if number % 9 == 8:
                writer = storage.body_writer(12000)
                writer.write(history.rng.bytes(500) * 24)
                storage.store(STORE).put_blob(history.rng.bytes(32), writer.body())
        for hash, _ in list(storage.store(STORE).blobs())[1:]:
            storage.store(STORE).drop_blob(hash)
        storage.commit()
        for _ in range(100):
            if not storage.idle():
                break
    kinds = sorted({use[0][:4] for use in history.watched.uses.values()})
    assert [kind for kind in kinds if kind == "inde"], kinds
    assert len([kind for kind in kinds if kind in ("/s/L", "/s/B", "reco")]) == 3, kinds


def test_a_number_is_taken_below_a_durable_bound_only():
    durable = [1]

    def reserve(nonce, bound):
        assert nonce >= durable[0]
        durable[0] = bound

    nonces = Nonces(reserve)
    for _ in range(200):
        assert nonces.take() < durable[0]
    after = Nonces(reserve)
    after.note_used(nonces.next - 1)
    after.note_bound(durable[0])
    after.start()
    assert after.take() > durable[0] - 64


def test_a_mark_reserves_without_a_copy_of_the_records():
    copies = []
    nonces = Nonces(lambda nonce, bound: copies.append(nonce))
    nonces.take()
    for _ in range(300):
        bound = nonces.ahead()
        nonces.take()
        nonces.note_bound(bound)
    assert len(copies) == 1
