"""What every checker needs: reading the fields of a case, comparing, and intentions as the files give them."""

from lattice_core.errors import ProtocolError
from lattice_core.model import intention as intentions
from lattice_core.seams import BytesBody


class CaseFailed(Exception):
    """The core does not do what the case says, or nobody checks this shape of case."""


def h(text):
    """Bytes of a hex field; a long one comes as a list of pieces."""
    return b"".join([bytes.fromhex(piece) for piece in text]) if isinstance(text, list) else bytes.fromhex(text)


def expect(condition, text):
    if not condition:
        raise CaseFailed(text)


def same(what, got, expected):
    """Compares two values; bytes are shown as hex, long ones by their ends."""
    if got != expected:
        raise CaseFailed("%s: got %s, expected %s" % (what, _show(got), _show(expected)))


def _show(value):
    text = bytes(value).hex() if isinstance(value, (bytes, bytearray, memoryview)) else str(value)
    return text if len(text) <= 160 else "%s...%s (%d)" % (text[:70], text[-70:], len(text))


def outcome(function, *arguments):
    """(result, None), or (None, the ProtocolError)."""
    try:
        return function(*arguments), None
    except ProtocolError as error:
        return None, error


def unknown(section, case):
    """The error for a shape of case that a checker does not know."""
    return CaseFailed("not checked: a case of %s with the fields %s" % (section, ", ".join(sorted(case))))


class FilledBody:
    """A body that is mostly one repeated byte, made as it is read: largest intentions fit into a small heap."""

    def __init__(self, head, fill, count):
        self.head = head
        self.fill = fill
        self.size = len(head) + count

    def read(self, offset, count):
        start = bytes(self.head[offset : offset + count])
        return start + bytes((self.fill,)) * (count - len(start))


def intention(crypto, entry):
    """The Intention of {"hash", "borsh", "sig"}, or of the fields of a big one (`ops_fill`, `deps_repeat`)."""
    signature = h(entry["sig"])
    if entry.get("borsh") is not None:
        return intentions.parse(crypto, h(entry["borsh"]), signature)
    body = _large_body(entry)
    hasher = crypto.blake3()
    for offset in range(0, body.size, 8192):
        hasher.update(body.read(offset, min(8192, body.size - offset)))
    return intentions.from_body(body, hasher.digest(), signature)


def _large_body(entry):
    deps = [h(dep) for dep in entry.get("deps") or ()]
    if entry.get("deps_repeat"):
        deps = [h(entry["deps_repeat"][0])] * entry["deps_repeat"][1]
    fill, count = entry["ops_fill"] if entry.get("ops_fill") else (0, 0)
    ops = b"" if entry.get("ops_fill") else h(entry["ops"])
    head = intentions.encode_body(
        h(entry["author"]), entry["wall"], entry["counter"], h(entry["store_id"]), h(entry["store_prev"]), deps, ops
    )
    if not count:
        return BytesBody(head)
    return FilledBody(head[:-4] + count.to_bytes(4, "little"), int(fill, 16), count)
