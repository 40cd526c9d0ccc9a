"""Names of files: what may be written, what is refused, what conflict copies are called."""

from lattice_core.errors import UsageError
from lattice_core.files import tree
from support import raises


def test_ordinary_names_are_fine():
    for path in (
        "a",
        "a/b/c.txt",
        "-dash",
        "dots...end",
        "UPPER.TXT",
        "spaces  two.txt",
        "grüße.txt",
        "日本語/ファイル.md",
        ".hidden",
        "12:30 notes",
        "console.log",
        "com10",
        "lpt",
        "auxiliary/nul_",
        "a.con",
        "emoji \U0001f6b2.txt",
    ):
        assert tree.unsafe(path) is None, path
        assert tree.check(path) == path


def test_names_that_escape_are_refused():
    for path in (
        "",
        "/",
        "/etc/passwd",
        "..",
        "../a",
        "a/../b",
        "a/..",
        ".",
        "a/./b",
        "a//b",
        "a/",
        "... ",
        "a/. .",
        "..\\a",
        "a\\b",
        "C:",
        "C:/x",
        "a/d:stream",
        "nul\x00byte",
        "line\nbreak",
        "\x7f",
        "\x85",
        "\u202etxt.exe",
        "\u2066x",
    ):
        assert tree.unsafe(path), path
        raises(UsageError, tree.check, path)


def test_device_names_are_refused_in_any_dress():
    for path in (
        "con",
        "CON",
        "Con.txt",
        "a/NUL",
        "nul.tar.gz",
        "aux/b",
        "COM1",
        "com9.log",
        "lpt0",
        "LPT\u00b2",
        "prn ",
        "conin$",
        "CONOUT$",
        "aux:stream",
        "nul .txt",
    ):
        assert tree.unsafe(path), path


def test_length_limits_bind_own_writes_only():
    long_name = "n" * 256
    assert tree.unsafe(long_name) is None
    assert tree.too_long(long_name)
    assert tree.too_long("é" * 128)
    assert tree.too_long("é" * 127) is None
    assert tree.too_long("/".join(["d" * 200] * 6))
    assert tree.too_long("/".join("d" * 65))
    assert tree.too_long("/".join("d" * 64)) is None
    raises(UsageError, tree.check, long_name)


def test_conflict_copies_are_named_by_time_author_and_hash():
    author, hash = bytes([0x9A, 0x5C, 0x85, 0x5C]) + bytes(28), bytes([1, 2, 3, 4]) + bytes(28)
    name = tree.conflict_path("docs/report.tar.gz", author, 1700000000000, hash)
    assert name == "docs/report.tar (conflict 20231114-221320 9a5c855c-01020304).gz"
    assert tree.conflict_path(".profile", author, 0, hash) == ".profile (conflict 19700101-000000 9a5c855c-01020304)"
    assert tree.conflict_path("a", author, 2**64 - 1, hash) == "a (conflict 18446744073709551615ms 9a5c855c-01020304)"
    for path in ("é" * 127, "x" * 255, "x." + "e" * 250):
        long = tree.conflict_path(path, author, 1700000000000, hash)
        assert len(long.encode()) <= tree.NAME_BYTES, path
        assert tree.unsafe(long) is None, path


def test_stamps_are_calendar_dates():
    for wall_ms, text in (
        (0, "19700101-000000"),
        (951782399000, "20000228-235959"),
        (951782400000, "20000229-000000"),
        (4107542400000, "21000301-000000"),
        (1795232371479, "20261121-033931"),
        (253402300799999, "99991231-235959"),
        (253402300800000, "253402300800000ms"),
    ):
        assert tree.stamp_text(wall_ms) == text, (wall_ms, tree.stamp_text(wall_ms))


def test_shown_escapes_what_a_terminal_would_obey():
    assert tree.shown("a\x1b[2Jb") == '"a\\x1b[2Jb"'
    assert tree.shown("x" * 300) == '"%s\u2026"' % ("x" * 200)
