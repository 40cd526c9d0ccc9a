"""What is limited in bytes is cut in bytes: with names, reasons and paths in scripts of 3 and 4 bytes a character."""

import gc

from lattice_core.errors import Refused
from lattice_core.node.device import OWNERS, Device
from lattice_core.sync.nano import control
from lattice_core.testing.memory import MemoryStorage
from lattice_core.wire.nano_messages import MESSAGE_BYTES, NanoFrame
from support import raises
from support.mux import Face
from support.nano import START_MS, NodePair, node

SCRIPTS = ("x", "é", "漢", "\U0001f600")
STORES = 31


def owned(character):
    """(world, names): an owner without any store, and a stick whose share has many with the longest names."""
    laptop, stick = node(1, "laptop"), node(2, character * (63 // len(character.encode())))
    stick.tree.limit = 64  # more than a stick keeps open: what its answer has room for is bounded by itself
    names = []
    for number in range(STORES):
        mark = "%02d" % number
        names.append(mark + character * ((255 - len(mark)) // len(character.encode())))
        root = stick.tree.roots()[0].id if stick.tree.roots() else None
        stick.create_store(names[-1], "core:kvstore", root, START_MS + number)
    world = NodePair(laptop, stick)
    world.device = Device(stick.storage)
    world.device.setup(laptop.identity.public, stick.name, stick.tree.roots()[0].id)
    return world.connect(), names


def set_up(character):
    """A stick that is set up over the wire."""
    laptop, stick = node(1, "laptop"), node(2, character * (63 // len(character.encode())))
    laptop.create_store(character * (255 // len(character.encode())), "core:kvstore", None, START_MS)
    world = NodePair(laptop, stick)
    world.device = Device(stick.storage)
    world.connect()
    world.run(world.a.setup(laptop.tree.roots()[0], stick.name, START_MS + 1000))
    world.sync()
    return world.connect()


def test_a_status_fits_its_message():
    for character in SCRIPTS:
        gc.collect()  # one world at a time: the stick's heap holds no two
        status_fits(character)


def status_fits(character):
    world, names = owned(character)
    device = world.device
    while len(device.owners) < OWNERS:
        device.add_owner(world.left.identity.public, bytes([len(device.owners)]) * 32)
    device.note_error(character * 300)
    reply = {"control_reply": {"status": control.status(world.b)}}
    assert len(NanoFrame.encode(reply)) <= MESSAGE_BYTES
    shown = world.run(world.a.status())["status"]
    assert shown["store_count"] == STORES + 1
    assert STORES // 2 < len(shown["stores"]) <= STORES + 1
    for store in shown["stores"]:
        assert not store["name"] or [name for name in names if name.startswith(store["name"])]
    assert shown["name"] == world.device.name
    assert len(shown["last_error"].encode()) <= 200


def test_a_refusal_and_a_reason_are_cut_in_bytes():
    for character in SCRIPTS:
        world = set_up(character)
        words = character * 2000

        def refuse(peer, request, words=words):
            raise Refused(words)

        real, control._answer = control._answer, refuse
        try:
            said = str(raises(Refused, world.run, world.a.status()))
        finally:
            control._answer = real
        assert words.startswith(said)
        assert 290 < len(said.encode()) <= 300


def test_a_device_remembers_whole_characters():
    for character in SCRIPTS:
        device = Device(MemoryStorage())
        device.note_error("a" + character * 400)
        assert ("a" + character * 400).startswith(device.last_error())
        assert 195 < len(device.last_error().encode()) <= 200


class Change:
    def emit(self, event):
        pass


def test_the_reason_of_a_skipped_intention_can_be_read_again():
    laptop = node(1, "laptop")
    handle = laptop.create_store("notes", "core:kvstore", None, START_MS)
    projection = handle.weaver.projection
    change = Change()
    for character in SCRIPTS:
        change.intention = Named(b"a" * 32, character.encode()[:1] * 32)
        projection._skip(change, "b" + character * 300)
    reasons = [reason for _, _, reason in projection.skipped()]
    assert len(reasons) == len(SCRIPTS)
    for reason in reasons:
        assert reason[0] == "b"
        assert 195 < len(reason.encode()) <= 200


class Named:
    def __init__(self, author, hash):
        self.author = author
        self.hash = hash


def test_a_path_that_is_noted_is_cut_between_characters():
    laptop = node(1, "laptop")
    handle = laptop.create_store("notes", "core:kvstore", None, START_MS)
    contents = handle.contents

    class Entry:
        inline = None
        digest = b"d" * 32
        codec = 0x55
        size = 5

    for number, character in enumerate(SCRIPTS):
        for shift in range(4):
            Entry.digest = bytes([number * 4 + shift + 1]) * 32
            path = "a" * shift + character * 3001
            contents.consider(b"k%d%d" % (number, shift), path, [Entry])
    for want in contents.wants():
        assert len(want.path.encode()) > 2990
        assert len(set(want.path)) <= 2


def test_a_close_in_words_is_cut_between_characters():
    face = Face()
    face.a.close("é" * 300)
    assert len(face.a._close_text) <= 200
    assert face.a._close_text.decode() == "é" * 100
