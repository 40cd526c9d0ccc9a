"""model.token: what a user carries, and to whom the secret may be shown."""

from lattice_core.errors import ProtocolError, UsageError
from lattice_core.model import token
from lattice_core.model.token import InviteToken
from lattice_core.wire import base58
from support import Rng, crypto, raises

STORE = b"\xaa" * 16


def sample(listed=()):
    rng = Rng(41)
    return token.Token(STORE, rng.bytes(32), rng.bytes(32), listed)


def text_of(values):
    return base58.check_encode(token.VERSION, InviteToken.encode(values), crypto())


def test_round_trip_with_and_without_listed_keys():
    keys = [bytes([number]) * 32 for number in range(1, 7)]
    for count in range(7):
        made = sample(keys[:count])
        read = token.parse(crypto(), made.encode(crypto()))
        assert (read.store_id, read.secret, read.inviter) == (made.store_id, made.secret, made.inviter)
        assert read.listed == tuple(keys[:count])
    raises(UsageError, sample(keys + [b"\x07" * 32]).encode, crypto())


def test_without_listed_keys_it_is_the_reference_s_token():
    inviter = bytes.fromhex("197f6b23e16c8532c6abc838facd5ea789be0c76b2920334039bfa8b3d368d61")
    made = token.Token(STORE, b"\x07" * 32, inviter)
    assert made.encode(crypto()) == (
        "ubqu76CXZEyvUai5EeTjnTWmkSYWP4FMm3jfSEEWTjTqCGkurpd7gFtYMiPCXv"
        "5aW9P8VHi15fNkj77oirnUrRduSTd1WuVjcg67KprVMpJyVx6t9cQ6h8ifCrFs"
    )


def test_the_secret_goes_to_the_inviter_and_the_listed_only():
    made = sample([b"\x01" * 32])
    assert made.may_be_shown_to(made.inviter)
    assert made.may_be_shown_to(b"\x01" * 32)
    assert not made.may_be_shown_to(b"\x02" * 32)
    assert not made.may_be_shown_to(b"")


def test_listed_keys_of_other_lengths_and_too_many_are_ignored():
    values = {"store_id": STORE, "secret": b"s", "inviter_pubkey": b"i" * 32}
    values["listed_keys"] = [b"", b"k" * 31, b"a" * 32, b"k" * 33] + [bytes([n]) * 32 for n in range(8)]
    read = token.parse(crypto(), text_of(values))
    assert len(read.listed) == token.LISTED_MAX
    assert read.listed[0] == b"a" * 32


def test_what_is_no_token():
    good = {"store_id": STORE, "secret": b"s" * 32, "inviter_pubkey": b"i" * 32}
    for name, value in (("store_id", b""), ("store_id", STORE + b"x"), ("inviter_pubkey", b"i" * 31)):
        wrong = dict(good)
        wrong[name] = value
        raises(ProtocolError, token.parse, crypto(), text_of(wrong))
    raises(ProtocolError, token.parse, crypto(), base58.check_encode(token.VERSION, b"\xff\xff", crypto()))
    raises(ProtocolError, token.parse, crypto(), base58.check_encode(0x4D, InviteToken.encode(good), crypto()))


def test_the_error_never_holds_the_secret():
    made = sample()
    text = made.encode(crypto())
    error = raises(ProtocolError, token.parse, crypto(), text[:-1])
    assert text[10:40] not in str(error)


def test_the_invite_is_known_by_the_hash_of_the_secret():
    made = token.Token(STORE, b"\x07" * 32, b"i" * 32)
    assert made.invite_id(crypto()).hex() == "ebaf85b465a09de21b398fb112c1500f2cbe658c42f379e0c0f18d24b819f637"
