"""Hundreds of made-up rows of a hostile member hide nobody (a computer's memory: too many for a stick's tests)."""

from lattice_core.errors import Refused, UsageError
from lattice_core.model import ops
from lattice_core.wire.messages import INVITE_VALID, PEER_ACTIVE
from support import raises
from support.members import members, write
from support.nodes import CRYPTO, NOW_MS, meet


def test_made_up_members_and_invites_hide_nobody():
    laptop, mallory, _stick = members()
    key = mallory[0].identity.public
    for at in range(0, 600, 100):
        fakes = [number.to_bytes(4, "big") + bytes(28) for number in range(at, at + 100)]
        write(mallory[0], mallory[1], [ops.peer_status(fake, PEER_ACTIVE) for fake in fakes])
        write(mallory[0], mallory[1], [ops.invite_status(fake, INVITE_VALID) for fake in fakes])
    made = mallory[0].invites.create(mallory[1], NOW_MS)
    while made.invite_id(CRYPTO)[0] < 128:
        made = mallory[0].invites.create(mallory[1], NOW_MS)  # listed behind the others
    meet(laptop[0], mallory[0])
    assert key in [peer.key for peer in laptop[0].members.listed(laptop[1])]
    for selector in ("n2", key.hex(), key.hex()[:10].upper()):
        assert laptop[0].members.find(laptop[1], selector) == key
    assert laptop[0].invites.find(laptop[1], made.invite_id(CRYPTO).hex()[:12]).id == made.invite_id(CRYPTO)
    assert "and 5" in str(raises(UsageError, laptop[0].members.find, laptop[1], "nobody"))
    laptop[0].members.revoke(laptop[1], key, NOW_MS)
    raises(Refused, laptop[0].invites.accept, made.store_id, made.secret, b"?" * 32, NOW_MS)
