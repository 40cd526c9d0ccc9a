"""The zip file of a bundle: what its manifest says, and every way in which it is none."""

import io
import struct
import zipfile

import pytest

from lattice_core.errors import UsageError
from lattice_host import bundle_zip

MANIFEST = """
top = "in no section"
[app]
id = "notes-app"
name = "Notes"
size = 3
[permissions]
read = true
since = 2026-01-02T03:04:05Z
paths = ["a", 1]
[permissions.more]
deep = 1.5
"""


def zipped(entries, method=zipfile.ZIP_DEFLATED):
    """A zip file of [(name or ZipInfo, content)]."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", method) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return made.getvalue()


def bundle(*more, manifest=MANIFEST):
    return zipped([("manifest.toml", manifest), ("index.html", "<p>"), *more])


def refused(data, app_id=None):
    with pytest.raises(UsageError) as caught:
        bundle_zip.read(data, app_id)
    return caught.value


def test_a_manifest_is_sections_of_texts():
    app_id, manifest = bundle_zip.read(bundle())
    assert app_id == "notes-app"
    assert manifest == [
        ("app", "id", "notes-app"),
        ("app", "name", "Notes"),
        ("app", "size", "3"),
        ("permissions", "more", "{ deep = 1.5 }"),
        ("permissions", "paths", '["a", 1]'),
        ("permissions", "read", "true"),
        ("permissions", "since", "2026-01-02T03:04:05Z"),
    ]


def test_folders_and_an_id_that_is_right_are_fine():
    assert bundle_zip.read(bundle(("static/", ""), ("static/a.js", "1")), "notes-app")[0] == "notes-app"


def test_a_bundle_of_another_app():
    error = refused(bundle(), "other")
    assert error.code == "wrong_app"
    assert "notes-app" in str(error)


@pytest.mark.parametrize(
    ("manifest", "words"),
    [
        ('[app]\nname = "x"', "names no app"),
        ('[app]\nid = ""', "names no app"),
        ('id = "x"', "names no app"),
        ("[app", "cannot be read"),
        (b'[app]\nid = "\xff"', "cannot be read"),
        ("a = " + "[" * 20000, "cannot be read"),
        ("# " + "x" * bundle_zip.MANIFEST_BYTES, "more than 65536 bytes"),
    ],
    ids=["no id", "an empty id", "no section", "no toml", "no text", "very deep", "large"],
)
def test_a_manifest_that_is_none(manifest, words):
    error = refused(bundle(manifest=manifest))
    assert error.code == "bad_bundle"
    assert words in str(error)


@pytest.mark.parametrize(
    "name",
    ["/etc/passwd", "../up", "a/../../b", "a//b", "./a", "a\\b", "C:a", "a\nb", "x" * 256],
)
def test_names_that_lead_out_or_cannot_be(name):
    assert refused(bundle((name, "x"))).code == "bad_bundle"


def test_a_name_with_a_zero_in_it():
    data = bundle(("aXb", "x")).replace(b"aXb", b"a\0b")
    assert "every system" in str(refused(data))


def test_what_is_no_plain_file():
    link = zipfile.ZipInfo("link")
    link.external_attr = 0o120777 << 16
    assert "neither a file" in str(refused(bundle((link, "index.html"))))
    assert "unusual" in str(refused(zipped([("manifest.toml", MANIFEST)], zipfile.ZIP_BZIP2)))
    locked = bytearray(bundle())
    at = locked.index(b"PK\x01\x02")
    locked[at + 8] |= 1  # flags of the first entry in the central directory
    assert "encrypted" in str(refused(bytes(locked)))


def test_no_bundle_at_all():
    for data in (b"", b"not a zip", b"PK\x05\x06", zipped([]), zipped([("index.html", "x")])):
        assert refused(data).code == "bad_bundle", data


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_that_is_there_twice():
    assert "twice" in str(refused(bundle(("index.html", "other"))))


def test_bombs_stop_early(monkeypatch):
    monkeypatch.setattr(bundle_zip, "CONTENT_BYTES", 1 << 20)
    assert "unpacked" in str(refused(bundle(("zeros", bytes(2 << 20)))))
    assert "unpacked" in str(refused(bundle(*[("zeros %d" % n, bytes(1 << 19)) for n in range(3)])))
    lying = bytearray(bundle(("zeros", bytes(2 << 20))))
    for signature, offset in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):  # the stated size, of the last entry
        at = lying.rindex(signature)
        lying[at + offset : at + offset + 4] = struct.pack("<I", 100)
    assert refused(bytes(lying)).code == "bad_bundle"
    monkeypatch.setattr(bundle_zip, "ENTRIES", 3)
    assert "entries" in str(refused(bundle(("a", "1"), ("b", "1"))))


def test_every_damaged_byte_is_refused_or_harmless():
    """Whatever one byte says: a bundle with this manifest, another one, or a UsageError."""
    whole = bundle()
    codes = set()
    for at in range(len(whole)):
        damaged = bytearray(whole)
        damaged[at] ^= 0x55
        try:
            bundle_zip.read(bytes(damaged))
        except UsageError as error:
            codes.add(error.code)
    assert codes == {"bad_bundle"}
