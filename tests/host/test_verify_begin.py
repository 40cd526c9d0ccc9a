"""Signatures verified beside the caller: the verdicts are those of one after the other, in order."""

from lattice_core.model.identity import Identity
from lattice_host import crypto


def test_verdicts_come_in_order_whatever_the_number():
    identity = Identity(crypto, b"\x07" * 32)
    good = []
    for number in range(150):
        hash = crypto.blake3_digest(b"%d" % number)
        good.append((identity.public, hash, identity.sign(hash)))
    for count in (0, 1, 31, 32, 33, 150):
        items = good[:count]
        expected = [True] * count
        for at in range(0, count, 7):
            items[at] = (identity.public, items[at][1], bytes(64))
            expected[at] = False
        started = crypto.ed25519_verify_begin(iter(items))
        assert started.result() == expected == crypto.ed25519_verify_many(iter(items))


def test_lengths_that_are_wrong_are_false_and_long_messages_are_verified():
    identity = Identity(crypto, b"\x07" * 32)
    long = b"x" * 5000
    signature = crypto.ed25519_sign(identity.seed, identity.public, long)
    items = [
        (identity.public, long, signature),
        (identity.public[:31], long, signature),
        (identity.public, long, signature[:63]),
        (bytearray(identity.public), memoryview(long), bytearray(signature)),
        (identity.public, long + b"y", signature),
    ]
    assert crypto.ed25519_verify_begin(items).result() == [True, False, False, True, False]


def signatures(count):
    """`count` signatures of hashes, every seventh of them wrong, and the verdicts they must get."""
    identity = Identity(crypto, b"\x09" * 32)
    items = []
    for number in range(count):
        hash = crypto.blake3_digest(b"%d" % number)
        signed = hash if number % 7 else crypto.blake3_digest(b"another")
        items.append((identity.public, hash, identity.sign(signed)))
    return items, [number % 7 != 0 for number in range(count)]


def test_large_loads_are_verified_beside_and_come_back_in_order():
    items, expected = signatures(400)
    loads = crypto.LargeLoads()
    asked = [crypto.Verdicts(items, loads) for _ in range(6)]
    assert loads._beside is not None
    asked.pop(4)  # nobody ever asks for its result
    for each in asked:
        assert each.result() == expected


def test_a_killed_process_costs_no_verdict():
    items, expected = signatures(300)
    loads = crypto.LargeLoads()
    while loads._beside is None:
        crypto.Verdicts(items, loads).result()
    asked = [crypto.Verdicts(items, loads) for _ in range(2)]
    loads._beside._process.kill()
    loads._beside._process.wait()
    asked.append(crypto.Verdicts(items, loads))
    for each in asked:
        assert each.result() == expected
    assert crypto.Verdicts(items, loads).result() == expected
