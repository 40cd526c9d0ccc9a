"""Cuts the stick's power at every kind of flash operation and looks at what is left. On the stick's interpreter.

    micropython -X heapsize=4000000 tests/emulator/power_cuts.py SCENARIO CUTS SEED

A laptop in memory, which outlives everything, and a stick on flash talk as they do over a link. One scenario is done
over and over; each time the power is cut at another flash operation of it, evenly spread over all that it takes. Then
the stick boots from what was programmed, sometimes cut once more, and all that it has acknowledged or shown must be
there: to the laptop, to a joiner, to its own caller. Prints one JSON line; an AssertionError names seed and cut.
"""

import gc
import json
import os
import sys

from firmware import mount
from firmware.ports.nor import Nor, PowerCut, make_image
from lattice_core.errors import LatticeError
from lattice_core.node.device import Device, load_identity
from lattice_core.node.node import Node
from lattice_flash.flash_index import Memory
from lattice_flash.storage import FlashStorage
from support import Rng, crypto
from support.files import make_file
from support.nano import START_MS, NodePair, node

_CHIP_BYTES = 1572864 + (1 << 20)
_ROUNDS_PER_WORLD = 12
_LARGE_BYTES = 40000


class CutStick:
    """The stick, as firmware/main.py starts it."""

    def __init__(self, path, memory):
        self.path = path
        self.memory = memory
        self.chip = None

    def boot(self, cut_at=0):
        """Power comes; from here on `cut_at` operations of the flash go well."""
        if self.chip is not None:
            self.chip.dead = True
        self.chip = Nor(self.path)
        self.chip.cut_at = cut_at
        self.storage = FlashStorage(mount.mount(self.chip), crypto().random, self.memory)
        identity = load_identity(self.storage, crypto())
        self.device = Device(self.storage)
        self.node = Node(self.storage, crypto(), identity)
        self.node.open(self.device.now_ms(0))
        return self

    def operations(self):
        return self.chip.erases + self.chip.programs

    def cut_after(self, count):
        self.chip.cut_at = self.operations() + count


class LaptopAndStick:
    """A laptop and its stick; what the stick has told anybody is noted in `shown` as it is told."""

    def __init__(self, rng, path, memory, set_up=True):
        self.rng = rng
        self.stick = CutStick(path, memory)
        self.now_ms = START_MS
        self.joiners = 0
        self.second_cuts = 0
        self.shown = {"identity": None, "setup": False, "own": [], "joined": []}
        os.remove(path)
        make_image(path, _CHIP_BYTES)
        self.laptop = node(1, "laptop")
        self.notes = self.laptop.create_store("notes", "core:kvstore", None, START_MS)
        self.root = self.laptop.tree.roots()[0]
        if set_up:
            self.stick.boot()
            self.shown["identity"] = self.stick.node.identity.public
            self.setup()
            self.sync()

    def world(self, other=None):
        self.now_ms += 1000
        world = NodePair(other or self.laptop, self.stick.node, self.now_ms)
        world.device = self.stick.device
        return world.connect()

    def sync(self):
        world = self.world()
        world.device.set_clock(self.laptop.identity.public, True, self.now_ms, self.now_ms)
        report = world.sync()
        self.stick.node.journal.commit(self.now_ms)
        return report

    # -- scenarios: what is done while the power may go ---------------------------------------------------------------

    def setup(self):
        world = self.world()
        world.run(world.a.setup(self.root, "blue", self.now_ms))
        self.shown["setup"] = True

    def fresh(self):
        """First power on, and setup."""
        self.stick.boot(self.stick_cut)
        self.shown["identity"] = self.stick.node.identity.public
        self.setup()
        self.sync()

    def ingest(self):
        for number in range(6 + self.rng.below(10)):
            self.notes.kv.put(b"key %d" % self.rng.below(40), self.rng.bytes(self.rng.below(300)), self.now_ms + number)
        self.laptop.journal.commit(self.now_ms)
        self.sync()

    def own(self):
        """Writes of the stick's own, each durable when the call returns."""
        notes = self.stick.node.tree.get(self.notes.id)
        for _ in range(3):
            made = notes.kv.put(b"own %d" % self.rng.below(9), self.rng.bytes(20), self.now_ms)
            self.stick.node.journal.commit(self.now_ms)
            self.shown["own"].append(made.hash)
        self.sync()

    def blob(self):
        name = "file %d" % self.rng.below(4)
        make_file(self.notes, name, self.rng.bytes(500) * (20 + self.rng.below(60)), 20000, self.now_ms)
        self.sync()

    def join(self):
        token = self.laptop.invites.create(self.root, self.now_ms)
        self.sync()
        self.joiners += 1
        joiner = node(100 + self.joiners, "joiner")
        self.shown["joined"].append(joiner)
        world = self.world(joiner)
        world.run(world.a.join(token))

    def large(self):
        self.notes.kv.put(b"large", self.rng.bytes(100) * (_LARGE_BYTES // 100), self.now_ms)
        self.laptop.journal.commit(self.now_ms)
        self.sync()

    def housekeeping(self):
        """Overwrites rows until segments are mostly dead, then compacts them."""
        notes = self.stick.node.tree.get(self.notes.id)
        for _ in range(70):
            notes.store.put_row(0x6D, b"scratch %d" % self.rng.below(3), self.rng.bytes(50) * 60)
            if self.stick.storage.pending() > 16384:
                self.stick.storage.commit()
        self.stick.storage.commit()
        for _ in range(400):
            if not self.stick.storage.idle():
                break

    # -- what must hold after each boot -------------------------------------------------------------------------------

    def check(self):
        stick = self.stick
        if self.shown["identity"] is not None:
            assert stick.node.identity.public == self.shown["identity"], "another identity"
        assert not stick.storage.damage, stick.storage.damage
        if self.shown["setup"]:
            assert stick.device.is_owner(self.laptop.identity.public), "the owner is forgotten"
            assert stick.node.tree.get(self.root.id) is not None, "the share is forgotten"
        assert (stick.device.state == "owned") == (stick.node.tree.get(self.root.id) is not None), "set up by half"
        for handle in stick.node.tree.replicas:
            report = handle.weaver.verify()
            assert report.ok(), list(report)
        for handle in self.laptop.tree.replicas:
            self._check_held(handle, stick.node.tree.get(handle.id))
            self._check_own_chain(handle, stick.node.tree.get(handle.id))
        for joiner in self.shown["joined"]:
            for handle in joiner.tree.replicas:
                assert stick.node.members.may_connect(handle.id, joiner.identity.public), "a joiner is forgotten"
                self._check_own_chain(handle, stick.node.tree.get(handle.id))
        for hash in self.shown["own"]:
            assert stick.node.tree.get(self.notes.id).store.witness_sequence(hash), "an own write is lost"

    def _check_held(self, handle, there):
        """What the laptop believes the stick to hold."""
        key = self.stick.node.identity.public
        for sequence in range(1, handle.holdings.holds_items(key) + 1):
            hash = handle.store.witness_at(sequence)[0]
            assert there is not None, "an acknowledged intention is lost"
            assert there.store.witness_sequence(hash), "an acknowledged intention is lost"
        for file in handle.files.list():
            sequence = handle.store.witness_sequence(file.version.hash)
            if file.entry is not None and handle.holdings.holds_content(key, sequence, file.key):
                assert there.files.held(there.files.get(file.path)), "acknowledged content is lost"

    def _check_own_chain(self, handle, there):
        """The stick's own chain as others have it must be the beginning of the one that it has."""
        own = self.stick.node.identity.public
        length, tip = handle.store.chain(own)
        if length:
            assert there.store.chain(own)[0] >= length, "the own chain is shorter than shown"
            assert there.store.chain_at(own, length) == tip, "the own chain has forked"
            assert there.weaver.read_only is None


def _boot_with_a_cut(desk):
    """What the boot itself writes may be cut, too."""
    try:
        desk.stick.boot(1 + desk.rng.below(12))
        desk.stick.chip.cut_at = 0
        return
    except (PowerCut, LatticeError):
        assert desk.stick.chip.dead
    desk.second_cuts += 1
    desk.stick.boot()


def _one_cut(desk, action, count):
    """Does the action with a power cut at its `count`-th flash operation; returns False when it needs fewer."""
    desk.stick_cut = count
    try:
        if desk.stick.chip is not None:
            desk.stick.cut_after(count)
        action()
    except (PowerCut, LatticeError):
        assert desk.stick.chip.dead  # what is closed on the way out fails, too, and may hide the cut
    if desk.stick.chip.dead:
        _boot_with_a_cut(desk)
        desk.check()
        return True
    desk.stick.chip.cut_at = 0
    desk.check()
    return False


def run(name, cuts, seed):
    path = "%s/%s.img" % (os.getenv("IMAGES") or "build", name)
    make_image(path, _CHIP_BYTES)
    memory = Memory()
    rng = Rng(seed)
    done = 0
    rounds = 0
    operations = 0
    second_cuts = 0
    desk = None
    while done < cuts:
        gc.collect()
        if desk is None or rounds % _ROUNDS_PER_WORLD == 0 or name == "fresh":
            second_cuts += desk.second_cuts if desk is not None else 0
            desk = LaptopAndStick(rng, path, memory, name != "fresh")
        rounds += 1
        if operations == 0:  # how many it takes
            desk.stick_cut = 0
            before = 0 if desk.stick.chip is None else desk.stick.operations()
            getattr(desk, name)()
            operations = desk.stick.operations() - before
            desk.check()
            continue
        count = 1 + done * operations // cuts
        try:
            if _one_cut(desk, getattr(desk, name), count):
                done += 1
                if name != "fresh":
                    report = desk.sync()
                    assert report.complete, "the next sync is not complete"
                    desk.check()
        except AssertionError as error:
            print("seed %d, cut %d at operation %d of %d: %s" % (seed, done, count, operations, error))
            raise
    print(json.dumps({"scenario": name, "cuts": done, "operations": operations, "second_cuts": second_cuts}))


if __name__ == "__main__":
    run(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
