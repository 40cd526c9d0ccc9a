"""Base58Check: version byte, payload and 4 bytes of double SHA-256, in Bitcoin's alphabet."""

from ..errors import ProtocolError
from ..limits import BASE58_CHARACTERS

ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


def encode(data):
    """Base58 of bytes; every leading zero byte is a "1"."""
    number = int.from_bytes(data, "big")
    digits = []
    while number:
        number, digit = divmod(number, 58)
        digits.append(ALPHABET[digit])
    zeros = 0
    while zeros < len(data) and data[zeros] == 0:
        zeros += 1
    digits.append("1" * zeros)
    digits.reverse()
    return "".join(digits)


def decode(text):
    """The bytes of a Base58 text."""
    if len(text) > BASE58_CHARACTERS:
        raise ProtocolError("the text has more than %d characters" % BASE58_CHARACTERS)
    number = 0
    zeros = 0
    for place, letter in enumerate(text):
        digit = ALPHABET.find(letter)
        if digit < 0:
            raise ProtocolError("character %d of the text is not one of Base58" % (place + 1))
        if digit == 0 and number == 0:
            zeros += 1
        number = number * 58 + digit
    size = 0
    rest = number
    while rest:
        rest >>= 8
        size += 1
    return bytes(zeros) + number.to_bytes(size, "big")


def _checksum(crypto, data):
    return crypto.sha256(crypto.sha256(data))[:4]


def check_encode(version, payload, crypto):
    """The text of a payload under a version byte."""
    data = bytes((version,)) + payload
    return encode(data + _checksum(crypto, data))


def check_decode(version, text, crypto):
    """The payload of a text; ProtocolError unless checksum and version are right."""
    data = decode(text)
    if len(data) < 5 or _checksum(crypto, data[:-4]) != data[-4:]:
        raise ProtocolError("the checksum is wrong: the text is incomplete or mistyped")
    if data[0] != version:
        raise ProtocolError("version %d instead of %d" % (data[0], version))
    return data[1:-4]
