"""The file system on the chip: mounted, made on a blank chip, erased for good by a factory reset.

A chip whose file system cannot be mounted is formatted only when nothing can be lost by it: it is blank, or a format
or a reset was interrupted. Anything else is damage, and only the button may erase that.
"""

import vfs

from lattice_core.errors import StorageError

from .slots import FOLDER

_BLOCK_COUNT = 4  # ioctl numbers of MicroPython's block devices
_BLOCK_SIZE = 5
_BLOCK_ERASE = 6
_SUPERBLOCKS = 2  # littlefs anchors itself in the first two
_PAGE_BYTES = 256
_YOUNG_BLOCKS = 16  # as many a new file system uses at most: two for the root and for each folder
_OPTIONS = {"readsize": 32, "progsize": _PAGE_BYTES, "lookahead": 128, "mtime": False}


def mount(device):
    """A `VfsLfs2` on the block device. StorageError when the chip holds something that is no file system any more."""
    count = device.ioctl(_BLOCK_COUNT, 0)
    try:
        mounted = vfs.VfsLfs2(device, **_OPTIONS)
    except OSError:
        if not (_blank(device, 0, _SUPERBLOCKS) or _blank(device, _SUPERBLOCKS, count)):
            raise _beyond_use() from None
        mounted = _format(device, count)
    if FOLDER[1:] not in [entry[0] for entry in mounted.ilistdir("/")]:
        # It was just made, or a damaged bit has taken it back to its beginning: then it is no stick to be set up anew.
        used = sum([not _blank(device, block, block + 1) for block in range(count)])
        if used > _YOUNG_BLOCKS:
            raise _beyond_use()
    return mounted


def _beyond_use():
    return StorageError(
        "the stick's flash is damaged: hold its button for 5 s while plugging it in to erase everything"
    )


def erase(device):
    """Factory reset: destroys everything, the identity first of all. Cut short, the next `mount` finishes it."""
    for block in range(device.ioctl(_BLOCK_COUNT, 0)):
        if not _blank(device, block, block + 1):
            device.ioctl(_BLOCK_ERASE, block)


def _format(device, count):
    """The first two blocks are written last: until then the chip counts as blank."""
    for block in range(count):
        if not _blank(device, block, block + 1):
            device.ioctl(_BLOCK_ERASE, block)
    vfs.VfsLfs2.mkfs(device, **_OPTIONS)
    return vfs.VfsLfs2(device, **_OPTIONS)


def _blank(device, first, end):
    page = bytearray(_PAGE_BYTES)
    erased = b"\xff" * _PAGE_BYTES
    for block in range(first, end):
        for offset in range(0, device.ioctl(_BLOCK_SIZE, 0), _PAGE_BYTES):
            device.readblocks(block, page, offset)
            if page != erased:
                return False
    return True
