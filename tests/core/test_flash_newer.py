"""What a newer version has written stops the start in words, and not a byte of the flash is changed."""

from struct import pack

from lattice_core.errors import StorageError
from lattice_core.storage.contract import TABLE_DATA
from lattice_flash import layout
from lattice_flash.flash_index import Memory
from lattice_flash.storage import FlashStorage
from support import case, crypto, raises
from support.memory_vfs import MemoryVfs
from support.storage_suite import STORE

_memory = Memory()


def _written():
    """A storage with a log, a body and records, and an empty segment as a cut leaves it."""
    storage = FlashStorage(MemoryVfs(), crypto().random, _memory)
    store = storage.store(STORE)
    storage.put_record(b"own", b"tip")
    store.put_row(TABLE_DATA, b"key", b"value")
    writer = storage.body_writer(5000)
    writer.write(bytes(5000))
    store.put_blob(b"b" * 32, writer.body())
    storage.commit()
    storage.files.vfs.files["/s/L050"] = b""
    return storage


def _must_stop(storage):
    vfs = storage.files.vfs.reborn()
    before = dict(vfs.files)
    for _ in range(2):
        error = raises(StorageError, FlashStorage, vfs, crypto().random, _memory)
        assert "newer version" in str(error), error
        assert vfs.files == before
        assert vfs.operations == 0


def _replace(storage, start, old, new):
    """Puts another magic into the first file whose name begins so, and makes its head add up again."""
    files = storage.files.vfs.files
    name = next(name for name in sorted(files) if name.startswith(start) and files[name][:64].find(old) >= 0)
    data = bytearray(files[name])
    at = data.find(old)
    data[at : at + len(old)] = new
    return files, name, data


def test_a_newer_log_segment():
    storage = _written()
    files, name, data = _replace(storage, "/s/L", layout.SEGMENT_MAGIC, b"LNS2")
    length = data[4] | data[5] << 8 | data[6] << 16
    layout.seal(data, 0, layout.SEGMENT, length, 0)
    files[name] = bytes(data)
    _must_stop(storage)


def test_a_newer_bulk_segment():
    storage = _written()
    files, name, data = _replace(storage, "/s/B", layout.EXTENT_MAGIC, b"LNB2")
    data[8:12] = pack("<I", layout.crc32(bytes(data[:8]), storage.segments.seed))
    files[name] = bytes(data)
    _must_stop(storage)


def test_newer_records():
    storage = _written()
    for name in ("/a/records", "/b/records"):
        files = storage.files.vfs.files
        if name in files:
            data = b"LNR2" + files[name][4:-4]
            files[name] = data + pack("<I", layout.crc32(data))
    _must_stop(storage)


def test_a_record_of_an_unknown_kind():
    for kind in (13, 18, 19, layout.KINDS):
        for committed in (True, False):
            storage = _written()
            with case("kind %d, committed %s" % (kind, committed)):
                storage.log.append(kind, (b"something new",))
                storage.changed()
                if committed:
                    storage.commit()
                else:
                    storage.log._spill()
                _must_stop(storage)


def test_an_unknown_kind_before_the_checkpoint():
    storage = _written()
    storage.log.append(13, (b"something new",))
    storage.changed()
    storage.commit()
    for _ in storage.checkpoint.steps():
        pass
    assert storage.checkpoint.position[0]
    _must_stop(storage)


def test_only_a_known_magic_with_another_digit_is_newer():
    assert layout.is_newer(b"LNS2", b"LNS1")
    assert not layout.is_newer(b"LNS1", b"LNS1")
    assert not layout.is_newer(b"\xff" * 4, b"LNS1")
