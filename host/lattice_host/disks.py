"""What disks are like: which keep permission bits, which names they take for one, and how a file is opened safely."""

import errno
import os
import stat
import unicodedata
from io import BufferedReader
from pathlib import Path

_MOUNTS = "/proc/self/mountinfo"
# They show every file with the same bits, or with bits of their own. What runs in user space may be anything.
_WITHOUT_MODES = ("vfat", "msdos", "exfat", "ntfs", "ntfs3", "fuse", "cifs", "smb3", "vboxsf", "iso9660", "udf")


def keeps_modes(where: Path) -> bool:
    """False when the disk of a file is of a kind that cannot keep permission bits."""
    try:
        device = os.stat(where).st_dev
        with open(_MOUNTS, encoding="utf-8", errors="replace") as mounts:
            for line in mounts:
                before, _, after = line.partition(" - ")
                if before.split()[2] == "%d:%d" % (os.major(device), os.minor(device)):
                    return not after.startswith(_WITHOUT_MODES)
    except (OSError, IndexError):
        pass
    return True


def fold(name: str) -> str:
    """Names that fold to the same may be one name on a disk: upper and lower case, forms of accents, dots and spaces
    at the end."""
    if name.isascii() and not {".", " "}.intersection(part[-1:] for part in name.split("/")):
        return name.lower()
    text = unicodedata.normalize("NFD", name).casefold()
    return "/".join(part.rstrip(". ") for part in unicodedata.normalize("NFC", text).split("/"))


def text_of(name: str | bytes) -> str:
    """The name of a file as text: bytes that are no UTF-8 as `\\xe9`."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def open_regular(where: Path | str, folder: int | None = None) -> BufferedReader:
    """Opens a regular file for reading: no link is followed, and what has become a pipe meanwhile does not block."""

    def opener(path, _flags):
        flags = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC
        return os.open(path, flags, dir_fd=folder)

    stream = open(where, "rb", opener=opener)
    if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
        stream.close()
        raise OSError(errno.EINVAL, "it is no regular file")
    return stream
