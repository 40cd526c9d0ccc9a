"""The platform's crypto, whichever it is, against published vectors. Same file on both interpreters."""

import json
from binascii import hexlify, unhexlify

from support import Rng, crypto, raises

_CRYPTO = crypto()
_VECTORS = (__file__.rsplit("/", 1)[0] if "/" in __file__ else ".") + "/../vectors/"


def rows(name):
    """The fields of each case of a Wycheproof file."""
    with open(_VECTORS + "wycheproof/" + name) as lines:
        for line in lines:
            if not line.startswith("#"):
                yield line.split()


def unhex(text):
    return b"" if text == "-" else unhexlify(text)


def pattern(size):
    """The input of BLAKE3's published vectors: 0, 1 … 250, 0, 1 …"""
    return bytes([i % 251 for i in range(size)])


def blake3_pieces(data, size):
    hasher = _CRYPTO.blake3()
    for start in range(0, len(data), size):
        hasher.update(memoryview(data)[start : start + size])
    return hasher.digest()


# -- hashes ------------------------------------------------------------------------------------------------------

# BLAKE3's test_vectors.json: input length, first 32 bytes
_BLAKE3 = (
    (0, b"af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"),
    (1, b"2d3adedff11b61f14c886e35afa036736dcd87a74d27b5c1510225d0f592e213"),
    (1023, b"10108970eeda3eb932baac1428c7a2163b0e924c9a9e25b35bba72b28f70bd11"),
    (1024, b"42214739f095a406f3fc83deb889744ac00df831c10daa55189b5d121c855af7"),
    (1025, b"d00278ae47eb27b34faecf67b4fe263f82d5412916c1ffd97c8cb7fb814b8444"),
    (31744, b"62b6960e1a44bcc1eb1a611a8d6235b6b4b78f32e7abc4fb4c6cdcce94895c47"),
)


def test_blake3_published_vectors():
    for size, expected in _BLAKE3:
        assert hexlify(_CRYPTO.blake3_digest(pattern(size))) == expected, size


def test_blake3_in_pieces_is_blake3_at_once():
    data = pattern(5000)
    for size in (1, 63, 64, 1000, 1024, 4999, 5000):
        assert blake3_pieces(data, size) == _CRYPTO.blake3_digest(data), size


def test_sha256_published_vectors():
    # FIPS 180-2, appendix B
    assert hexlify(_CRYPTO.sha256(b"abc")) == b"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    long = b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"
    assert hexlify(_CRYPTO.sha256(long)) == b"248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"


# -- Ed25519 -----------------------------------------------------------------------------------------------------


def test_ed25519_rfc_8032():
    # section 7.1, test 3
    seed = unhexlify("c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7")
    public = unhexlify("fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025")
    signature = unhexlify(
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
        "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
    )
    assert _CRYPTO.ed25519_public(seed) == public
    assert _CRYPTO.ed25519_sign(seed, public, b"\xaf\x82") == signature
    assert _CRYPTO.ed25519_verify(public, b"\xaf\x82", signature)


def test_ed25519_every_bit_counts():
    seed, message = b"\x07" * 32, b"m" * 32
    public = _CRYPTO.ed25519_public(seed)
    signature = _CRYPTO.ed25519_sign(seed, public, message)
    for bit in range(0, 512, 7):
        forged = bytearray(signature)
        forged[bit // 8] ^= 1 << bit % 8
        assert not _CRYPTO.ed25519_verify(public, message, forged), bit
    assert not _CRYPTO.ed25519_verify(public, b"n" * 32, signature)


def test_ed25519_wrong_lengths_are_a_no():
    seed = b"\x07" * 32
    public = _CRYPTO.ed25519_public(seed)
    signature = _CRYPTO.ed25519_sign(seed, public, b"")
    assert _CRYPTO.ed25519_verify(memoryview(public), memoryview(b""), bytearray(signature))
    for key, proof in ((public[:31], signature), (public + b"\0", signature), (public, signature[:63]), (public, b"")):
        assert not _CRYPTO.ed25519_verify(key, b"", proof)
    raises(ValueError, _CRYPTO.ed25519_public, seed[:31])
    raises(ValueError, _CRYPTO.ed25519_sign, seed, public + b"\0", b"")


def test_ed25519_wycheproof():
    verdicts = {"valid": True, "mixed-order": True, "invalid": False, "small-order": False}
    count = 0
    for case, verdict, public, message, signature in rows("ed25519.txt"):
        found = _CRYPTO.ed25519_verify(unhex(public), unhex(message), unhex(signature))
        assert found == verdicts[verdict], case
        count += 1
    assert count == 210


def test_ed25519_verdicts_of_the_mesh():
    """Recorded verdicts of the reference's strict check, the 12 cases of ed25519-speccheck among them."""
    speccheck = strict = 0
    for case in signature_cases():
        found = _CRYPTO.ed25519_verify(unhexlify(case["pub"]), unhexlify(case["msg"]), unhexlify(case["sig"]))
        assert found == (case["strict"] == "ok"), case["name"]
        speccheck += case["kind"] == "speccheck"
        strict += case["strict"] != case["verify"]
    assert speccheck >= 12
    assert strict


def signature_cases():
    """One case a line, in the section `cases`."""
    with open(_VECTORS + "signature.json") as lines:
        wanted = False
        for line in lines:
            if line.startswith('"'):
                wanted = line.startswith('"cases"')
            elif wanted and line.startswith("{"):
                yield json.loads(line.rstrip().rstrip(","))


def test_verify_many_answers_in_order():
    rng = Rng(5)
    items, expected = [], []
    for _ in range(70):
        seed, message = rng.bytes(32), rng.bytes(32)
        public = _CRYPTO.ed25519_public(seed)
        good = rng.below(3) > 0
        signature = _CRYPTO.ed25519_sign(seed, public, message if good else rng.bytes(32))
        items.append((public, message, signature))
        expected.append(good)
    assert _CRYPTO.ed25519_verify_many(item for item in items) == expected
    assert _CRYPTO.ed25519_verify_many([]) == []


# -- X25519 ------------------------------------------------------------------------------------------------------


def test_x25519_wycheproof():
    count = refused = 0
    for case, private, public, shared in rows("x25519.txt"):
        count += 1
        if shared == "0" * 64:
            raises(ValueError, _CRYPTO.x25519, unhexlify(private), unhexlify(public))
            refused += 1
        else:
            assert _CRYPTO.x25519(unhexlify(private), unhexlify(public)) == unhexlify(shared), case
    assert (count, refused) == (518, 31)


def test_x25519_iterated():
    # RFC 7748, section 5.2: after one and after a thousand iterations
    k = u = b"\x09" + bytes(31)
    k, u = _CRYPTO.x25519(k, u), k
    assert hexlify(k) == b"422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079"
    for _ in range(999):
        k, u = _CRYPTO.x25519(k, u), k
    assert hexlify(k) == b"684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51"


def test_x25519_wrong_lengths():
    raises(ValueError, _CRYPTO.x25519, bytes(31), b"\x09" + bytes(31))
    raises(ValueError, _CRYPTO.x25519, b"\x09" + bytes(31), bytes(33))


# -- ChaCha20-Poly1305 -------------------------------------------------------------------------------------------


def test_aead_wycheproof():
    count = 0
    for case, _, key, iv, ad, text, sealed, tag in rows("chacha20_poly1305.txt"):
        nonce = int.from_bytes(unhexlify(iv)[4:], "little")
        size = len(unhex(text))
        buf = bytearray(unhex(text) + bytes(16))
        assert _CRYPTO.aead_seal(unhexlify(key), nonce, unhex(ad), buf, size) == size + 16
        assert buf == unhex(sealed) + unhexlify(tag), case
        assert _CRYPTO.aead_open(unhexlify(key), nonce, unhex(ad), buf, size + 16) == size
        assert buf[:size] == unhex(text), case
        count += 1
    assert count == 10


def test_aead_stays_in_its_window():
    key, text = b"k" * 32, pattern(100)
    buf = bytearray(b"\xee" * 200)
    view = memoryview(buf)[20:170]
    view[:100] = text
    assert _CRYPTO.aead_seal(key, 2**64 - 1, b"ad", view, 100) == 116
    assert buf[:20] == b"\xee" * 20
    assert buf[136:] == b"\xee" * 64
    assert bytes(view[:100]) != text
    assert _CRYPTO.aead_open(key, 2**64 - 1, b"ad", view, 116) == 100
    assert bytes(view[:100]) == text
    assert buf[136:] == b"\xee" * 64


def test_aead_refuses_what_was_touched():
    key, size = b"k" * 32, 37
    sealed = bytearray(size + 16)
    _CRYPTO.aead_seal(key, 5, b"ad", sealed, size)
    for index in range(len(sealed)):
        touched = bytearray(sealed)
        touched[index] ^= 0x40
        assert _CRYPTO.aead_open(key, 5, b"ad", touched, len(touched)) == -1, index
    for key_, nonce, ad in ((b"l" * 32, 5, b"ad"), (key, 6, b"ad"), (key, 5, b"")):
        assert _CRYPTO.aead_open(key_, nonce, ad, bytearray(sealed), len(sealed)) == -1
    assert _CRYPTO.aead_open(key, 5, b"ad", bytearray(sealed), len(sealed) - 1) == -1
    assert _CRYPTO.aead_open(key, 5, b"ad", bytearray(sealed), 15) == -1


def test_aead_empty_text():
    buf = bytearray(16)
    assert _CRYPTO.aead_seal(b"k" * 32, 0, b"", buf, 0) == 16
    assert _CRYPTO.aead_open(b"k" * 32, 0, b"", buf, 16) == 0


def test_aead_wrong_arguments():
    key, buf = b"k" * 32, bytearray(32)
    raises(ValueError, _CRYPTO.aead_seal, key[:31], 0, b"", buf, 16)
    raises(ValueError, _CRYPTO.aead_seal, key, 0, b"", buf, 17)
    raises(ValueError, _CRYPTO.aead_seal, key, 0, b"", buf, -1)
    raises(ValueError, _CRYPTO.aead_seal, key, -1, b"", buf, 16)
    raises(ValueError, _CRYPTO.aead_seal, key, -(2**40), b"", buf, 16)
    raises(ValueError, _CRYPTO.aead_seal, key, 2**64, b"", buf, 16)
    raises(ValueError, _CRYPTO.aead_open, key, 0, b"", buf, 33)
    raises(TypeError, _CRYPTO.aead_open, key, 0, b"", bytes(32), 32)


# -- random ------------------------------------------------------------------------------------------------------


def test_random():
    assert _CRYPTO.random(0) == b""
    first, second = _CRYPTO.random(32), _CRYPTO.random(32)
    assert len(first) == len(second) == 32
    assert first != second
