"""The zip file of an app bundle, read with strict limits: what its manifest says, or why it is no bundle.

A bundle goes to every node of a share and will be unpacked by some: what no careful program writes into a zip file is
refused here, before it is signed.
"""

import datetime
import io
import json
import stat
import tomllib
import zipfile
import zlib

from lattice_core.errors import UsageError
from lattice_core.text import printable

MANIFEST = "manifest.toml"
MANIFEST_BYTES = 64 * 1024  # of the mesh
ENTRIES = 2000
CONTENT_BYTES = 64 * 1024 * 1024  # of all entries, uncompressed
_NAME_BYTES = 255
_PIECE_BYTES = 65536
_SHOWN = 64
_ENCRYPTED = 0x1
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)

Manifest = list[tuple[str, str, str]]  # (section, key, value)


def read(data: bytes, app_id: str | None = None) -> tuple[str, Manifest]:
    """(app id, manifest) of a bundle. UsageError when it is none, or is not of the app `app_id`."""
    if not data:
        raise _bad("it is empty")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            text = _checked(archive)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError) as error:
        raise _bad("it is no zip file, or a damaged one (%s)" % printable(str(error), _SHOWN)) from None
    found, manifest = _parse(text)
    if app_id and app_id != found:
        shown = printable(found, _SHOWN), printable(app_id, _SHOWN)
        raise UsageError("its manifest is of the app %s, not of %s" % shown, "wrong_app")
    return found, manifest


def _bad(why: str) -> UsageError:
    return UsageError("this is no app bundle: %s" % why, "bad_bundle")


def _checked(archive: zipfile.ZipFile) -> bytes:
    """The bytes of the manifest, once every entry was read to its end."""
    entries = archive.infolist()
    if len(entries) > ENTRIES:
        raise _bad("it has %d entries, more than %d" % (len(entries), ENTRIES))
    names = set()
    left = CONTENT_BYTES
    text = None
    for entry in entries:
        _check_entry(entry)
        if entry.filename in names:
            raise _bad("%s is in it twice" % printable(entry.filename, _SHOWN))
        names.add(entry.filename)
        limit = min(left, MANIFEST_BYTES) if entry.filename == MANIFEST else left
        content = _read(archive, entry, limit, entry.filename == MANIFEST)
        left -= len(content) if entry.filename == MANIFEST else entry.file_size
        if entry.filename == MANIFEST:
            text = content
    if text is None:
        raise _bad("%s is missing" % MANIFEST)
    return text


def _check_entry(entry: zipfile.ZipInfo) -> None:
    name = entry.filename
    shown = printable(name, _SHOWN)
    parts = name.removesuffix("/").split("/")
    if name != entry.orig_filename or "\\" in name or ":" in name or any(ord(character) < 32 for character in name):
        raise _bad("the name %s is none that every system can have" % printable(entry.orig_filename, _SHOWN))
    if any(part in ("", ".", "..") for part in parts):
        raise _bad("the name %s leads out of the bundle" % shown)
    if len(name.encode(errors="replace")) > _NAME_BYTES:
        raise _bad("the name %s is longer than %d bytes" % (shown, _NAME_BYTES))
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise _bad("%s is neither a file nor a folder" % shown)
    if entry.flag_bits & _ENCRYPTED:
        raise _bad("%s is encrypted" % shown)
    if entry.compress_type not in _METHODS:
        raise _bad("%s is compressed in an unusual way (method %d)" % (shown, entry.compress_type))


def _read(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, limit: int, keep: bool) -> bytes:
    """Reads an entry to its end, whatever size it states: its checksum holds. Its bytes, with `keep`."""
    if entry.file_size > limit:
        raise _too_large(entry, limit)
    kept = bytearray()
    size = 0
    with archive.open(entry) as file:
        while piece := file.read(_PIECE_BYTES):
            size += len(piece)
            if size > limit:
                raise _too_large(entry, limit)
            if keep:
                kept += piece
    if size != entry.file_size:
        raise _bad("%s ends early" % printable(entry.filename, _SHOWN))
    return bytes(kept)


def _too_large(entry: zipfile.ZipInfo, limit: int) -> UsageError:
    if entry.filename == MANIFEST:
        return _bad("%s has more than %d bytes" % (MANIFEST, limit))
    return _bad("its entries have more than %d bytes unpacked" % CONTENT_BYTES)


# -- the manifest ------------------------------------------------------------------------------------------


def _parse(text: bytes) -> tuple[str, Manifest]:
    """As the reference reads it: every table is a section, values are text; what is in no table does not count."""
    try:
        document = tomllib.loads(text.decode("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise _bad("%s cannot be read (%s)" % (MANIFEST, printable(str(error), _SHOWN))) from None
    manifest = []
    for section, values in document.items():
        if isinstance(values, dict):
            manifest += [(section, key, _text(value)) for key, value in values.items()]
    app_id = {(section, key): value for section, key, value in manifest}.get(("app", "id"), "")
    if not app_id:
        raise _bad("%s names no app: it needs `id` under [app]" % MANIFEST)
    return app_id, sorted(manifest)


def _text(value: object) -> str:
    return value if isinstance(value, str) else _as_toml(value)


def _as_toml(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, datetime.datetime):
        return value.isoformat().removesuffix("+00:00") + ("Z" if value.utcoffset() == datetime.timedelta(0) else "")
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, list):
        return "[%s]" % ", ".join(_as_toml(one) for one in value)
    if isinstance(value, dict):
        return "{ %s }" % ", ".join("%s = %s" % (key, _as_toml(one)) for key, one in value.items())
    return str(value)
