"""Names of files: which may exist, which may touch a disk, and what a conflict copy is called.

A path is UTF-8 text in NFC, components joined by "/", stored under the key `fs/<path>`. The rules bind our own
writes; a foreign entry that breaks them is listed with the reason and never written to a disk, on any platform:
a name must not mean something else where another member reads it.
"""

from ..compat import const
from ..errors import UsageError
from ..text import printable

KEY_PREFIX = b"fs/"
PATH_BYTES = const(1024)  # own writes; far below what a key may have
NAME_BYTES = const(255)  # one component, as on ext4, APFS and NTFS
DEPTH = const(64)  # components

# Windows opens a device for these, whatever the extension and case.
_DEVICES = ("con", "prn", "aux", "nul", "conin$", "conout$", "clock$")
_NUMBERED_DEVICES = ("com", "lpt")
_DEVICE_DIGITS = "0123456789\u00b9\u00b2\u00b3"
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_MS_PER_DAY = const(86400000)


def key_of(path):
    """The row's key of a path that passed `check`."""
    return KEY_PREFIX + path.encode()


def check(path):
    """The path itself when an own write may use it, else UsageError with the reason."""
    reason = unsafe(path) or too_long(path)
    if reason:
        raise UsageError("%s cannot be a file's name here: %s" % (shown(path), reason), "bad_name")
    return path


def too_long(path):
    """Why the path is over our limits, or None."""
    if len(path.encode()) > PATH_BYTES:
        return "it is longer than %d bytes" % PATH_BYTES
    names = path.split("/")
    if len(names) > DEPTH:
        return "it has more than %d levels" % DEPTH
    for name in names:
        if len(name.encode()) > NAME_BYTES:
            return "a part of it is longer than %d bytes" % NAME_BYTES
    return None


def unsafe(path):
    """Why a file of this name must not be written below a folder, or None when it may."""
    if not path:
        return "it is empty"
    if path[0] == "/":
        return "it is absolute"
    for character in path:
        if is_control(ord(character)):
            return "it holds a control character"
        if character == "\\":
            return "it holds a backslash"
    for name in path.split("/"):
        reason = _unsafe_name(name)
        if reason:
            return reason
    return None


def is_control(code):
    """C0, DEL, C1, line separators and what turns the direction of text on a terminal."""
    return code < 0x20 or 0x7F <= code < 0xA0 or 0x2028 <= code <= 0x202E or 0x2066 <= code <= 0x2069


def _unsafe_name(name):
    if not name:
        return "it has an empty part"
    if not name.strip(". "):
        return "a part of it is only dots or spaces"
    if len(name) > 1 and name[1] == ":" and name[0] in _LETTERS:
        return "a part of it begins like a drive letter"
    stem = _lower(name.split(".")[0].split(":")[0].rstrip(" "))
    if stem in _DEVICES or (len(stem) == 4 and stem[:3] in _NUMBERED_DEVICES and stem[3] in _DEVICE_DIGITS):
        return "%s is a device on some systems" % stem
    return None


def _lower(text):
    """ASCII only: what `str.lower` does to other letters depends on the interpreter."""
    return "".join([chr(ord(c) + 32) if "A" <= c <= "Z" else c for c in text])


def shown(path):
    """A path as it may be printed on one line: control characters escaped, at most 200 characters."""
    return '"%s"' % printable(path, 200)


def conflict_path(path, author, wall_ms, hash):
    """Where the loser of a concurrent edit is shown and written: beside the winner, named by time and author.

    `hash` (of the losing intention) makes the name the same on every node and different for every loser.
    """
    at = path.rfind("/") + 1
    folder, name = path[:at], path[at:]
    dot = name.rfind(".")
    stem, extension = (name[:dot], name[dot:]) if dot > 0 else (name, "")
    mark = " (conflict %s %s-%s)" % (stamp_text(wall_ms), author[:4].hex(), hash[:4].hex())
    room = NAME_BYTES - len(mark) - len(extension.encode())
    if room < 1:
        extension, room = "", NAME_BYTES - len(mark)
    return folder + _cut(stem, room) + mark + extension


def _cut(text, size):
    """The longest beginning of `text` of at most `size` UTF-8 bytes."""
    while len(text.encode()) > size:
        text = text[:-1]
    return text


def stamp_text(wall_ms):
    """UTC as YYYYMMDD-HHMMSS; a stamp beyond the year 9999 as it is."""
    days, rest = divmod(wall_ms, _MS_PER_DAY)
    if days > 2932896:
        return "%dms" % wall_ms
    year, month, day = _civil(days)
    seconds = rest // 1000
    return "%04d%02d%02d-%02d%02d%02d" % (year, month, day, seconds // 3600, seconds // 60 % 60, seconds % 60)


def _civil(days):
    """Proleptic Gregorian date of a day number since 1970-01-01 (era arithmetic on years that begin in March)."""
    shifted = days + 719468
    era, day_of_era = divmod(shifted, 146097)
    year_of_era = (day_of_era - day_of_era // 1460 + day_of_era // 36524 - day_of_era // 146096) // 365
    day_of_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    month_from_march = (5 * day_of_year + 2) // 153
    day = day_of_year - (153 * month_from_march + 2) // 5 + 1
    month = month_from_march + 3 if month_from_march < 10 else month_from_march - 9
    return year_of_era + era * 400 + (1 if month <= 2 else 0), month, day
