"""Reading here and there in one open file gives what was written, whatever was read before. On the stick's interpreter.

littlefs 2.8 keeps the end of a block in its cache and, after a read that ended exactly at the block's end, takes it for
the same place in the next block (`lfs2_file_rawseek`). The first test shows that the trap is there; when a newer
littlefs closes it, `_seek` in lattice_flash/filesystem.py can go.
"""

import os

from firmware.mount import mount
from firmware.ports.nor import BLOCK_BYTES, FIRMWARE_BYTES, Nor, make_image
from lattice_flash.filesystem import FileSystem

_path = (os.getenv("IMAGES") or "build") + "/seek.img"
_SIZE = 20000


def _expected(at, count):
    return bytes([(i * 7 + (i >> 8) * 13 + (i >> 12) * 101) & 255 for i in range(at, at + count)])


def _file():
    """(files, open file) with bytes that differ from block to block."""
    try:
        os.remove(_path)
    except OSError:
        pass  # the first test finds none
    make_image(_path, FIRMWARE_BYTES + 64 * BLOCK_BYTES)
    files = FileSystem(mount(Nor(_path)))
    file = files.open("/bytes", "wb")
    files.write(file, _expected(0, _SIZE))
    files.close(file)
    return files, files.open("/bytes", "rb")


def test_littlefs_alone_mistakes_one_block_for_the_next():
    _, file = _file()
    wrong = 0
    for end in range(BLOCK_BYTES - 100, 3 * BLOCK_BYTES):
        file.seek(end - 50)
        file.read(50)
        file.seek(end + 4050)
        wrong += file.read(20) != _expected(end + 4050, 20)
    assert wrong


def test_reads_through_the_seam_are_right():
    files, file = _file()
    buffer = bytearray(20)
    for end in range(BLOCK_BYTES - 100, 3 * BLOCK_BYTES):
        files.read(file, end - 50, 50)
        if end & 1:
            assert files.read(file, end + 4050, 20) == _expected(end + 4050, 20), end
        else:
            assert files.readinto(file, end + 4050, buffer) == 20, end
            assert buffer == _expected(end + 4050, 20), end
