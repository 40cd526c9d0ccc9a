"""Invites: made, redeemed, refused in words, revoked, redeemed twice."""

from lattice_core.errors import Refused, StorageFull, UsageError
from lattice_core.model import ops
from lattice_core.model import token as tokens
from lattice_core.node import invites
from lattice_core.wire.messages import INVITE_CLAIMED, INVITE_REVOKED, INVITE_VALID, UniversalOp
from support import raises
from support.nodes import CRYPTO, NOW_MS, carry, join, make_node, meet, reopened, share, value

JOINER = b"j" * 32
OTHER = b"x" * 32


def last_ops(handle, count):
    first = handle.store.count - count
    return [UniversalOp.decode(handle.store.get(hash).ops_bytes()) for _, hash, _, _ in handle.store.witness_log(first)]


def test_an_invite_is_written_as_the_reference_writes_it():
    node, root, _ = share()
    token = node.invites.create(root, NOW_MS)
    assert (token.store_id, token.inviter, token.listed, len(token.secret)) == (root.id, node.identity.public, (), 32)
    (op,) = last_ops(root, 1)
    invite_id = CRYPTO.blake3_digest(token.secret)
    status, by = op["system"]["batch"]["ops"]
    assert status["invite"] == {"token_hash": invite_id, "set_status": {"status": INVITE_VALID}}
    assert by["invite"] == {"token_hash": invite_id, "set_invited_by": {"inviter_pubkey": node.identity.public}}
    assert tokens.parse(CRYPTO, token.encode(CRYPTO)).secret == token.secret
    assert [(made.id, made.status) for made in node.invites.list(root)] == [(invite_id, INVITE_VALID)]


def test_an_invite_is_for_a_root():
    node, _, data = share()
    raises(UsageError, node.invites.create, data, NOW_MS)
    raises(UsageError, make_node(2).tree.find_root)


def test_redeeming_claims_and_activates():
    node, root, _ = share()
    token = node.invites.create(root, NOW_MS)
    count = root.store.count
    assert node.invites.accept(root.id, token.secret, JOINER, NOW_MS) == "core:rootstore"
    assert node.journal.durable(node.journal.ticket())
    assert root.store.count == count + 1
    (claim,) = last_ops(root, 1)
    status, by, active = claim["system"]["batch"]["ops"]
    assert status["invite"]["set_status"] == {"status": INVITE_CLAIMED}
    assert by["invite"]["set_claimed_by"] == {"claimer_pubkey": JOINER}
    assert active["peer"] == {"pubkey": JOINER, "set_status": {"status": 2}}
    assert node.members.may_connect(root.id, JOINER)


def test_a_join_that_finds_no_room_uses_nothing_up():
    node, root, data = share()
    token = node.invites.create(root, NOW_MS)
    data.kv.put(b"somebody", b"else's write, not yet committed", NOW_MS)
    count = root.store.count
    real = root.store.put_row
    rows = []

    def full(table, key, put):
        rows.append(key)
        if len(rows) == 3:
            raise StorageFull("no room")
        real(table, key, put)

    root.store.put_row = full
    raises(StorageFull, node.invites.accept, root.id, token.secret, JOINER, NOW_MS)
    root.store.put_row = real
    node.journal.commit(NOW_MS)
    again = reopened(node, "laptop")
    root = again.tree.get(root.id)
    assert root.store.count == count
    assert again.invites.list(root)[0].status == INVITE_VALID
    assert value(again.tree.get(data.id), b"somebody") is not None
    again.invites.accept(root.id, token.secret, JOINER, NOW_MS)
    assert again.members.may_connect(root.id, JOINER)


def test_a_revoked_member_does_not_come_back_with_its_own_invite():
    laptop, root, _ = share()
    member, other = make_node(7, "member"), make_node(8, "other")
    join(member, laptop, laptop.invites.create(root, NOW_MS))
    join(other, laptop, laptop.invites.create(root, NOW_MS))
    kept = member.invites.create(member.tree.get(root.id), NOW_MS)
    late = member.invites.create(member.tree.get(root.id), NOW_MS)
    meet(laptop, member)
    carry(laptop, other)
    laptop.members.revoke(root, member.identity.public, NOW_MS)
    key = member.identity.public
    assert "revoked" in str(raises(Refused, laptop.invites.accept, root.id, kept.secret, key, NOW_MS))
    carry(laptop, other)
    assert "revoked" in str(raises(Refused, other.invites.accept, root.id, late.secret, OTHER, NOW_MS))
    # One that is made after the revocation, where that has not arrived, ends with its maker's membership, too.
    unheard = member.invites.create(member.tree.get(root.id), NOW_MS)
    carry(member, laptop)
    assert "no active member" in str(raises(Refused, laptop.invites.accept, root.id, unheard.secret, OTHER, NOW_MS))
    assert not laptop.members.may_connect(root.id, key)
    assert not laptop.members.may_connect(root.id, OTHER)


def test_a_member_with_many_invites_can_be_revoked():
    laptop, root, _ = share()
    member = make_node(7, "member")
    join(member, laptop, laptop.invites.create(root, NOW_MS))
    for number in range(80):
        invite_id = bytes([number]) * 32
        made = [ops.invite_status(invite_id, INVITE_VALID), ops.invite_invited_by(invite_id, b"somebody" * 4)]
        member.tree.get(root.id).write_system(made, NOW_MS)
    member.journal.commit(NOW_MS)
    meet(laptop, member)
    laptop.members.revoke(root, member.identity.public, NOW_MS)
    assert not laptop.members.may_connect(root.id, member.identity.public)
    assert len([made for made in laptop.invites.list(root) if made.status == INVITE_REVOKED]) == 64


def test_a_token_lets_one_node_in():
    node, root, _ = share()
    token = node.invites.create(root, NOW_MS)
    node.invites.accept(root.id, token.secret, JOINER, NOW_MS)
    assert "used already" in str(raises(Refused, node.invites.accept, root.id, token.secret, OTHER, NOW_MS))
    assert not node.members.may_connect(root.id, OTHER)


def test_a_member_that_joins_again_writes_nothing():
    node, root, _ = share()
    token = node.invites.create(root, NOW_MS)
    node.invites.accept(root.id, token.secret, JOINER, NOW_MS)
    spare = node.invites.create(root, NOW_MS)
    count = root.store.count
    for secret in (token.secret, b"", b"wrong", spare.secret):
        assert node.invites.accept(root.id, secret, JOINER, NOW_MS) == "core:rootstore"
    assert root.store.count == count
    assert node.invites.accept(root.id, spare.secret, OTHER, NOW_MS) == "core:rootstore"


def test_refusals_tell_a_stranger_nothing():
    node, root, data = share()
    token = node.invites.create(root, NOW_MS)
    count = root.store.count
    words = set()
    for store_id, secret in (
        (root.id, b"w" * 32),
        (root.id, b""),
        (b"?" * 16, token.secret),
        (b"short", token.secret),
        (data.id, token.secret),
    ):
        words.add(str(raises(Refused, node.invites.accept, store_id, secret, OTHER, NOW_MS)))
    assert len(words) == 1
    assert "notes" not in words.pop()
    raises(Refused, node.invites.accept, root.id, token.secret, node.identity.public, NOW_MS)
    assert root.store.count == count


def test_a_revoked_member_needs_a_new_invite():
    node, root, _ = share()
    token = node.invites.create(root, NOW_MS)
    node.invites.accept(root.id, token.secret, JOINER, NOW_MS)
    node.members.revoke(root, JOINER, NOW_MS)
    assert "revoked" in str(raises(Refused, node.invites.accept, root.id, token.secret, JOINER, NOW_MS))
    assert "revoked" in str(raises(Refused, node.invites.accept, root.id, b"", JOINER, NOW_MS))
    fresh = node.invites.create(root, NOW_MS)
    node.invites.accept(root.id, fresh.secret, JOINER, NOW_MS)
    assert node.members.may_connect(root.id, JOINER)


def test_an_invite_can_be_revoked_before_it_is_used():
    node, root, _ = share()
    token = node.invites.create(root, NOW_MS)
    invite_id = CRYPTO.blake3_digest(token.secret).hex()
    node.invites.revoke(root, invite_id[:6], NOW_MS)
    assert node.invites.list(root)[0].status == INVITE_REVOKED
    assert "revoked" in str(raises(Refused, node.invites.accept, root.id, token.secret, OTHER, NOW_MS))
    used = node.invites.create(root, NOW_MS)
    node.invites.accept(root.id, used.secret, JOINER, NOW_MS)
    raises(UsageError, node.invites.revoke, root, CRYPTO.blake3_digest(used.secret).hex(), NOW_MS)
    raises(UsageError, node.invites.revoke, root, "zz", NOW_MS)
    raises(UsageError, node.invites.revoke, root, "", NOW_MS)


def test_a_stick_without_a_clock_cannot_let_anybody_in():
    node, root, _ = share()
    token = node.invites.create(root, NOW_MS)
    count = root.store.count
    assert "time" in str(raises(Refused, node.invites.accept, root.id, token.secret, JOINER, None))
    assert root.store.count == count
    assert not node.members.may_connect(root.id, JOINER)


def test_a_token_lists_active_members_sticks_first():
    node, root, _ = share()
    members = [bytes([200 - i]) * 32 for i in range(8)]
    for key in members:
        node.members.admit(root, key, "", NOW_MS)
    node.members.revoke(root, members[7], NOW_MS)
    node.members.note_stick(root, members[0])
    node.members.note_stick(root, members[7])
    token = node.invites.create(root, NOW_MS)
    assert token.listed[0] == members[0]
    assert len(token.listed) == 6
    assert members[7] not in token.listed
    assert node.identity.public not in token.listed
    assert node.members.sticks(root) == [members[0]]
    assert node.invites.create(root, NOW_MS, []).listed == ()
    raises(UsageError, node.invites.create, root, NOW_MS, members[:7])
    node = reopened(node)
    root = node.tree.find_root()
    assert node.members.sticks(root) == [members[0]]
    node.members.forget_stick(root, members[0])
    assert node.members.sticks(root) == []


def test_the_secret_is_kept_from_others():
    node, root, _ = share()
    stick, stranger = b"s" * 32, b"t" * 32
    node.members.admit(root, stick, "", NOW_MS)
    token = node.invites.create(root, NOW_MS)
    joiner = make_node(2)
    joiner.begin_join(token, node.identity.public)
    joiner.begin_join(token, stick)
    words = str(raises(Refused, joiner.begin_join, token, stranger))
    assert node.identity.public.hex()[:8] in words
    assert token.secret.hex() not in words
    raises(UsageError, node.begin_join, token, stick)


def test_a_join_into_a_share_that_is_here_already():
    node, root, _ = share()
    other = make_node(2, "desktop")
    token = node.invites.create(root, NOW_MS)
    join(other, node, token)
    raises(UsageError, other.begin_join, token)


def test_a_root_of_an_unknown_type_is_refused():
    node, root, _ = share()
    token = node.invites.create(root, NOW_MS)
    joiner = make_node(2)
    for store_type in ("", "core:other", "x" * 500):
        raises(Refused, joiner.complete_join, token, store_type, NOW_MS)
    assert joiner.tree.replicas == []
    assert joiner.storage.store_ids() == []


def test_a_join_at_a_member_that_carries_the_invite():
    laptop, root, data = share()
    stick = make_node(2, "stick")
    join(stick, laptop, laptop.invites.create(root, NOW_MS))
    data.kv.put(b"k", b"carried", NOW_MS)
    laptop.journal.commit(NOW_MS)
    token = laptop.invites.create(root, NOW_MS)
    phone = make_node(3, "phone")
    raises(Refused, stick.invites.accept, root.id, token.secret, phone.identity.public, NOW_MS)  # not heard of it yet
    meet(laptop, stick)
    join(phone, stick, token)
    assert value(phone.tree.find("notes"), b"k") == b"carried"
    meet(stick, laptop)
    assert laptop.members.peer_name(phone.identity.public) == "phone"


def test_two_offline_redemptions_show_when_they_meet():
    laptop, root, _ = share()
    stick = make_node(2, "stick")
    join(stick, laptop, laptop.invites.create(root, NOW_MS))
    token = laptop.invites.create(root, NOW_MS)
    meet(laptop, stick)
    laptop.invites.accept(root.id, token.secret, JOINER, NOW_MS)
    laptop.journal.commit(NOW_MS)
    stick.invites.accept(root.id, token.secret, OTHER, NOW_MS + 5)
    stick.journal.commit(NOW_MS)
    assert laptop.invites.double_claims(root) == []
    meet(laptop, stick)
    for node in (laptop, stick):
        ((invite, keys),) = node.invites.double_claims(node.tree.get(root.id))
        assert sorted(keys) == [JOINER, OTHER]
        assert invite.id == CRYPTO.blake3_digest(token.secret)
        assert node.members.may_connect(root.id, JOINER)
        assert node.members.may_connect(root.id, OTHER)
    assert "used already" in str(raises(Refused, laptop.invites.accept, root.id, token.secret, b"3" * 32, NOW_MS))


def test_where_an_invite_can_be_redeemed_is_said_by_name():
    node, root, _ = share()
    node.members.admit(root, b"s" * 32, "blue stick", NOW_MS)
    token = node.invites.create(root, NOW_MS)
    assert invites.where_redeemable(token, node.members.peer_name) == ["laptop", "blue stick"]
    assert invites.where_redeemable(token, make_node(2).members.peer_name)[1] == "73" * 4
    carry(node, node)  # a node that meets itself changes nothing
