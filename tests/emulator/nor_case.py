"""The NOR model keeps the rules of the chip, and cuts the power where it is told to. On the stick's interpreter."""

import os

from firmware import mount
from firmware.ports.nor import BLOCK_BYTES, FIRMWARE_BYTES, PAGE_BYTES, Nor, NotNor, PowerCut, make_image
from lattice_core.errors import StorageError
from support import raises

_path = (os.getenv("IMAGES") or "build") + "/nor.img"
_ERASED = b"\xff" * PAGE_BYTES
_SECRET = "/a/secret"  # where the identity is
_FOLDER = 0x4000
_FRESH = ["a", "b", "s"]  # the folders of a new file system


def chip(cut_at=0):
    try:
        os.remove(_path)
    except OSError:
        pass  # the first test finds none
    make_image(_path, FIRMWARE_BYTES + 64 * BLOCK_BYTES)
    return Nor(_path, cut_at)


def read(device, block, offset=0, count=PAGE_BYTES):
    data = bytearray(count)
    device.readblocks(block, data, offset)
    return bytes(data)


def test_programs_only_clear_bits():
    device = chip()
    device.writeblocks(3, b"\x0f" * PAGE_BYTES, 512)
    assert read(device, 3, 512) == b"\x0f" * PAGE_BYTES
    assert read(device, 3, 256) == _ERASED
    device.writeblocks(3, b"\x05" * PAGE_BYTES, 512)
    raises(NotNor, device.writeblocks, 3, b"\x15" * PAGE_BYTES, 512)
    raises(NotNor, device.writeblocks, 3, b"\x00" * 100, 512)
    raises(NotNor, device.writeblocks, 3, b"\x00" * PAGE_BYTES, 100)
    device.ioctl(6, 3)
    assert read(device, 3, 512) == _ERASED
    assert (device.erases, device.programs, device.blocks) == (1, 2, 64)


def test_the_firmware_keeps_its_share():
    device = chip()
    for block in range(device.blocks):
        device.writeblocks(block, bytes(PAGE_BYTES), 0)
    with open(_path, "rb") as file:
        for _ in range(FIRMWARE_BYTES // BLOCK_BYTES):
            assert file.read(BLOCK_BYTES) == b"\xff" * BLOCK_BYTES


def test_a_cut_tears_a_page_and_then_nothing_works():
    device = chip(2)
    device.writeblocks(1, bytes(PAGE_BYTES), 0)
    raises(PowerCut, device.writeblocks, 1, bytes(PAGE_BYTES), 256)
    raises(PowerCut, device.readblocks, 1, bytearray(PAGE_BYTES), 0)
    raises(PowerCut, device.writeblocks, 1, bytes(PAGE_BYTES), 512)
    raises(PowerCut, device.ioctl, 6, 1)
    device.powerless = False  # a chip of an earlier start: files that are closed late write nothing
    assert device.readblocks(1, bytearray(PAGE_BYTES), 0) < 0
    assert device.writeblocks(1, bytes(PAGE_BYTES), 512) < 0
    assert device.ioctl(6, 1) < 0
    after = Nor(_path)
    assert read(after, 1, 0) == bytes(PAGE_BYTES)
    assert read(after, 1, 256) == bytes(PAGE_BYTES // 2) + _ERASED[PAGE_BYTES // 2 :]
    assert read(after, 1, 512) == _ERASED


def test_a_cut_erases_half_a_block():
    device = chip(17)
    for offset in range(0, BLOCK_BYTES, PAGE_BYTES):
        device.writeblocks(2, bytes(PAGE_BYTES), offset)
    raises(PowerCut, device.ioctl, 6, 2)
    after = Nor(_path)
    assert read(after, 2, 0) == _ERASED
    assert read(after, 2, BLOCK_BYTES // 2) == bytes(PAGE_BYTES)


def test_a_first_format_that_was_cut_is_done_again():
    for cut_at in range(1, 12):
        device = chip(cut_at)
        try:
            mount.mount(device)
        except PowerCut:
            pass  # what the next mount makes of it counts
        mount.mount(Nor(_path)).statvfs("/")


def test_a_reset_that_was_cut_is_finished():
    whole = 0
    for cut_at in (1, 2, 3, 5, 8):
        device = chip()
        vfs = mount.mount(device)
        secret = vfs.open(_SECRET, "wb")
        secret.write(b"s3cret" * 1000)
        secret.close()
        again = Nor(_path)
        again.cut_at = cut_at
        try:
            mount.erase(again, lambda: None)
        except PowerCut:
            pass  # what the next mount makes of it counts
        after = Nor(_path)
        vfs = mount.mount(after)
        assert [entry[0] for entry in vfs.ilistdir("/") if entry[1] == _FOLDER] == _FRESH
        if list(vfs.ilistdir("/a")):
            assert vfs.open(_SECRET, "rb").read() == b"s3cret" * 1000  # cut before anything was gone
            whole += 1
        else:
            for block in range(after.blocks):
                assert b"s3cret" not in read(after, block, 0, BLOCK_BYTES)
    assert whole < 2, whole


def test_a_damaged_file_system_is_not_erased():
    device = chip()
    vfs = mount.mount(device)
    for number in range(3):
        file = vfs.open("/f%d" % number, "wb")
        file.write(b"x" * 5000)
        file.close()
    for block in (0, 1):
        device.writeblocks(block, bytes(PAGE_BYTES), 0)
    raises(StorageError, mount.mount, Nor(_path))
    mount.erase(Nor(_path), lambda: None)
    assert [entry[0] for entry in mount.mount(Nor(_path)).ilistdir("/")] == _FRESH
