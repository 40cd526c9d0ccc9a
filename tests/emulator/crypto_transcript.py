"""Prints what the platform's crypto makes of seeded inputs, hostile ones among them. Runs on both interpreters.

micropython crypto_transcript.py SEED ROUNDS
"""

import sys
from binascii import hexlify, unhexlify

from support import Rng, crypto

# Encodings of points of small order, and two that no point has in canonical form (ed25519-speccheck).
POINTS = tuple(
    unhexlify(text)
    for text in (
        "0100000000000000000000000000000000000000000000000000000000000000",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "0000000000000000000000000000000000000000000000000000000000000080",
        "0000000000000000000000000000000000000000000000000000000000000000",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    )
)
GROUP_ORDER = 2**252 + 27742317777372353535851937790883648493


def show(name, *values):
    print(name, *[hexlify(value).decode() if isinstance(value, bytes) else value for value in values])


def signature_variants(rng, public, signature):
    """(public, signature) pairs at which lenient and strict verifiers part."""
    scalar = int.from_bytes(signature[32:], "little")
    yield public, signature
    if scalar + GROUP_ORDER < 1 << 256:
        yield public, signature[:32] + (scalar + GROUP_ORDER).to_bytes(32, "little")
    yield public, signature[:63] + bytes([signature[63] ^ 1 << rng.below(8)])
    point = rng.choice(POINTS)
    yield point, point + bytes(32)
    yield point, signature
    yield public, point + signature[32:]
    yield rng.bytes(32), signature
    yield point, rng.choice(POINTS) + rng.bytes(31) + b"\0"


def signatures(native, rng):
    seed, message = rng.bytes(32), rng.bytes(rng.below(80))
    public = native.ed25519_public(seed)
    signature = native.ed25519_sign(seed, public, message)
    show("sign", public, signature)
    for key, proof in signature_variants(rng, public, signature):
        show("verify", native.ed25519_verify(key, message, proof))


def exchanges(native, rng):
    for point in (rng.bytes(32), rng.choice(POINTS)):
        try:
            show("x25519", native.x25519(rng.bytes(32), point))
        except ValueError:
            show("x25519", "refused")


def frames(native, rng):
    key, ad = rng.bytes(32), rng.bytes(rng.below(20))
    nonce = rng.below(1 << 64)
    size = rng.below(1100)
    buf = bytearray(rng.bytes(size) + bytes(16))
    native.aead_seal(key, nonce, ad, buf, size)
    show("seal", bytes(buf))
    if rng.below(2):
        buf[rng.below(len(buf))] ^= 1 << rng.below(8)
    length = native.aead_open(key, nonce, ad, buf, len(buf))
    show("open", length, bytes(buf[:length]) if length >= 0 else "")


def hashes(native, rng):
    data = rng.bytes(rng.below(3000))
    cut = rng.below(len(data) + 1)
    hasher = native.blake3()
    hasher.update(memoryview(data)[:cut])
    hasher.update(memoryview(data)[cut:])
    show("hash", native.sha256(data), native.blake3_digest(data), hasher.digest())


def main(seed, rounds):
    native, rng = crypto(), Rng(seed)
    for _ in range(rounds):
        for part in (signatures, exchanges, frames, hashes):
            part(native, rng)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
