"""Damage to the bits of a stick's flash, and its repair."""

import os

from firmware.ports.nor import BLOCK_BYTES, FIRMWARE_BYTES, size_of
from lattice_flash.flash_index import Memory
from lattice_flash.layout import INTENTION
from power_cuts import LaptopAndStick, make_image
from support import Rng
from support.nano import same

_path = (os.getenv("IMAGES") or "build") + "/damage.img"


_memory = Memory()


def desk(seed):
    """A laptop and a stick that have met a few times."""
    make_image(_path, FIRMWARE_BYTES + (1 << 20))
    made = LaptopAndStick(Rng(seed), _path, _memory)
    for _ in range(3):
        made.ingest()
        made.own()
    made.blob()
    return made


def places(needle):
    """Offsets in the image at which some bytes occur."""
    found = []
    size = size_of(_path)
    with open(_path, "rb") as file:
        at = FIRMWARE_BYTES
        while at < size:
            file.seek(at)
            block = file.read(BLOCK_BYTES + len(needle))
            start = block.find(needle)
            while 0 <= start < BLOCK_BYTES:
                found.append(at + start)
                start = block.find(needle, start + 1)
            at += BLOCK_BYTES
    return found


def flip(at, bit=1):
    with open(_path, "r+b") as file:
        file.seek(at)
        old = file.read(1)[0]
        file.seek(at)
        file.write(bytes([old ^ bit]))


def copy(source, target):
    with open(source, "rb") as old, open(target, "wb") as new:
        data = old.read(BLOCK_BYTES)
        while data:
            new.write(data)
            data = old.read(BLOCK_BYTES)


def byte_at(at):
    with open(_path, "rb") as file:
        file.seek(at)
        return file.read(1)[0]


def damage_intention(made, hash):
    """Flips a bit in every copy of an intention's signature; the stick then boots."""
    made.stick.chip.dead = True
    for at in places(hash):
        if byte_at(at - 49) == INTENTION:  # the record's kind
            flip(at + 40)
    made.stick.boot()


def heal(made):
    report = made.sync()
    assert report.complete
    assert same(made.laptop, made.stick.node)
    for _ in range(2):
        for handle in made.stick.node.tree.replicas:
            assert handle.weaver.verify().ok(), list(handle.weaver.verify())
            assert handle.weaver.read_only is None
        made.stick.boot()
        assert same(made.laptop, made.stick.node)


def blank(at):
    with open(_path, "rb") as file:
        file.seek(at)
        return file.read(BLOCK_BYTES) == b"\xff" * BLOCK_BYTES
