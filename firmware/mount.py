"""The file system on the chip: mounted, made on a blank chip, erased for good by a factory reset.

A chip whose file system cannot be mounted is formatted only when nothing can be lost by it: it is blank, or a format
or a reset was interrupted. Anything else is damage, and only the button may erase that.

littlefs keeps a folder in two blocks: the newer one counts as long as it adds up, then the older one. The root's older
one would be from before there was any folder in it, so the root is written until both name the folders (`_settle`),
once when they are made and again at a start after littlefs has moved one of them.
"""

import vfs

from lattice_core.compat import const
from lattice_core.errors import StorageError
from lattice_flash import record_pair
from lattice_flash.filesystem import FULL
from lattice_flash.segments import FOLDER

_BLOCK_COUNT = const(4)  # ioctl numbers of MicroPython's block devices
_BLOCK_SIZE = const(5)
_BLOCK_ERASE = const(6)
_SUPERBLOCKS = const(2)  # littlefs anchors itself in the first two
_PAGE_BYTES = const(256)
_SETTLED_PAGES = const(2)  # of the root's newer block, at most, when its older one names the folders as well
_PADDING = "/pad"  # made and removed again until a block of the root is full
_ROUNDS = const(16)  # at most: a block has so many pages, and each round writes at least one
_YOUNG_BLOCKS = const(16)  # as many a new file system uses at most: two for the root and for each folder
_OPTIONS = {"readsize": 32, "progsize": _PAGE_BYTES, "lookahead": 128, "mtime": False}


def mount(device):
    """A `VfsLfs2` on the block device. StorageError when the chip holds something that is no file system any more."""
    count = device.ioctl(_BLOCK_COUNT, 0)
    made = False
    try:
        mounted = vfs.VfsLfs2(device, **_OPTIONS)
    except OSError:
        if not (_unanchored(device) or _used(device, _SUPERBLOCKS, count, 0) == 0):
            raise _beyond_use() from None
        mounted = _format(device, count)
        made = True
    names = [entry[0] for entry in mounted.ilistdir("/")]
    # Without its folder it is young, or damage has taken it back to its beginning: then it is not to be set up anew.
    if not made and FOLDER[1:] not in names and _used(device, 0, count, _YOUNG_BLOCKS) > _YOUNG_BLOCKS:
        raise _beyond_use()
    try:
        for folder in (FOLDER,) + record_pair.FOLDERS:
            if folder[1:] not in names:
                mounted.mkdir(folder)
        _settle(device, mounted)
    except OSError as error:
        if error.errno not in FULL:
            raise StorageError("flash: cannot write the root folder (error %s)" % error.errno) from None
    return mounted


def _settle(device, mounted):
    """Writes the root folder until its older block, too, says what its newer one says."""
    for _ in range(_ROUNDS):
        if _settled(device):
            return
        mounted.open(_PADDING, "wb").close()
        mounted.remove(_PADDING)


def _settled(device):
    """True when the newer of the root's blocks was begun with what is in it now."""
    first, second = bytearray(4), bytearray(4)
    device.readblocks(0, first, 0)
    device.readblocks(1, second, 0)
    ahead = int.from_bytes(second, "little") - int.from_bytes(first, "little") & 0xFFFFFFFF
    return _blank_page(device, int(0 < ahead < 0x80000000), _SETTLED_PAGES * _PAGE_BYTES)


def _beyond_use():
    return StorageError(
        "the stick's flash is damaged: hold its button for 10 s while its light blinks to erase everything",
        "damaged",
    )


def erase(device, rest):
    """Factory reset: destroys everything, the identity first of all. Cut short, the next `mount` finishes it.

    `rest()` is called after each block: a large chip takes minutes, longer than a watchdog waits.
    """
    for block, blank in _blocks(device, 0, device.ioctl(_BLOCK_COUNT, 0)):
        if not blank:
            device.ioctl(_BLOCK_ERASE, block)
        rest()


def _format(device, count):
    """The first two blocks are written last: until then the chip counts as blank."""
    for block, blank in _blocks(device, 0, count):
        if not blank:
            device.ioctl(_BLOCK_ERASE, block)
    vfs.VfsLfs2.mkfs(device, **_OPTIONS)
    return vfs.VfsLfs2(device, **_OPTIONS)


def _unanchored(device):
    """True when a reset has begun to erase both of the first blocks, or on a blank chip."""
    return _blank_page(device, 0, 0) and _blank_page(device, 1, 0)


def _used(device, first, end, most):
    """How many blocks are not blank; counted no further than beyond `most`."""
    used = 0
    for _, blank in _blocks(device, first, end):
        used += not blank
        if used > most:
            break
    return used


def _blocks(device, first, end):
    """(block, whether it is blank) one after the other. A chip has thousands of pages: each in a buffer of its own
    would keep the allocator looking for room for 20 s."""
    content = bytearray(device.ioctl(_BLOCK_SIZE, 0))
    erased = b"\xff" * len(content)
    for block in range(first, end):
        device.readblocks(block, content, 0)
        yield block, content == erased


def _blank_page(device, block, offset):
    page = bytearray(_PAGE_BYTES)
    device.readblocks(block, page, offset)
    return page == b"\xff" * _PAGE_BYTES
