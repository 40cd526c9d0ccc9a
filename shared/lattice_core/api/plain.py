"""Between bytes and the plain values of operations: text where bytes are UTF-8, else hexadecimal digits."""

from binascii import hexlify, unhexlify

from ..errors import UsageError
from ..wire import utf8

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..node.node import Node


def hex_of(data: bytes) -> str:
    """The hexadecimal digits of bytes."""
    return str(hexlify(data), "ascii")


def bytes_fields(name: str, data: bytes) -> "dict[str, Any]":
    """{name: text} when the bytes are UTF-8, else {name_hex: digits}."""
    if utf8.valid(data):
        return {name: utf8.decode(data)}
    return {name + "_hex": hex_of(data)}


def bytes_text(data: bytes) -> str:
    """Bytes for people: text when they are UTF-8, else hexadecimal digits."""
    return utf8.decode(data) if utf8.valid(data) else "0x" + hex_of(data)


def bytes_of(name: str, text: "str | None", digits: "str | None") -> bytes:
    """The bytes that an operation was given as `name` or as `name_hex`. UsageError for both, none, or no hex."""
    if text is not None and digits is None:
        return text.encode()
    if digits is not None and text is None:
        return from_hex(digits, name + "_hex")
    raise UsageError("give either %s or %s_hex" % (name, name), "bad_value")


def from_hex(digits: str, name: str) -> bytes:
    """The bytes of hexadecimal digits; UsageError when it is something else."""
    try:
        return unhexlify(digits)
    except ValueError:
        raise UsageError("%s is not hex" % name, "bad_value") from None


class Names:
    """The names of members, each looked up once."""

    def __init__(self, node: "Node"):
        self._node = node
        self._found = {}

    def of(self, key: bytes) -> str:
        """The name of the member with this key, "" when none is known."""
        name = self._found.get(key)
        if name is None:
            own = self._node.name if key == self._node.identity.public else ""
            name = self._found[key] = self._node.members.peer_name(key) or own
        return name
