"""Who was shut out stays out: no stamp, no dep, no name and no number of made-up rows brings anybody back."""

from lattice_core.errors import Refused, UsageError
from lattice_core.model import ops
from lattice_core.node import stores
from lattice_core.wire.messages import (
    CHILD_ACTIVE,
    CHILD_ARCHIVED,
    INVITE_CLAIMED,
    INVITE_REVOKED,
    INVITE_VALID,
    PEER_ACTIVE,
    PEER_DORMANT,
    PEER_INVITED,
    PEER_REVOKED,
)
from support import Rng, raises
from support.members import members, write
from support.nodes import CRYPTO, NOW_MS, carry, join, make_node, meet, reopened, share
from support.weaver import Author, Replica

FAR_MS = NOW_MS + 400 * 365 * 86400 * 1000


def status(pair, key):
    return pair[1].system.peer(key).status


def meet_all(*nodes):
    for _ in range(2):
        for first in nodes:
            for second in nodes:
                if first is not second:
                    carry(first, second)


# -- members --------------------------------------------------------------------------------------------------------


def test_a_later_stamp_does_not_lift_a_revocation():
    laptop, mallory, stick = members()
    key = mallory[0].identity.public
    laptop[0].members.revoke(laptop[1], key, NOW_MS)
    write(mallory[0], mallory[1], [ops.peer_status(key, PEER_ACTIVE)], FAR_MS)
    meet(mallory[0], stick[0])  # which has not heard of it
    meet(stick[0], laptop[0])
    for pair in (laptop, stick):
        assert status(pair, key) == PEER_REVOKED
        assert not pair[0].members.is_member(key)
        assert status((None, reopened(pair[0]).tree.get(laptop[1].id)), key) == PEER_REVOKED


def test_nobody_lifts_his_own_revocation_by_naming_it():
    laptop, mallory, stick = members()
    key = mallory[0].identity.public
    laptop[0].members.revoke(laptop[1], key, NOW_MS)
    carry(laptop[0], mallory[0])
    for word in (PEER_ACTIVE, PEER_DORMANT, PEER_ACTIVE):
        write(mallory[0], mallory[1], [ops.peer_status(key, word)], FAR_MS)
    meet_all(*[pair[0] for pair in (mallory, stick, laptop)])
    assert len(list(laptop[1].system.heads(b"peer/" + key.hex().encode() + b"/status"))) == 1
    for pair in (laptop, stick, mallory):
        assert status(pair, key) == PEER_REVOKED
        assert not pair[0].members.is_member(key)
    # A member's new invite lets him in, whatever he has written.
    token = laptop[0].invites.create(laptop[1], NOW_MS)
    laptop[0].invites.accept(token.store_id, token.secret, key, NOW_MS)
    meet(laptop[0], stick[0])
    assert laptop[0].members.is_member(key)
    assert stick[0].members.is_member(key)


def test_two_who_were_revoked_do_not_let_each_other_in():
    laptop, mallory, eve, stick = members(4)
    keys = [pair[0].identity.public for pair in (mallory, eve)]
    for key in keys:
        laptop[0].members.revoke(laptop[1], key, NOW_MS)
    carry(laptop[0], mallory[0])
    carry(laptop[0], eve[0])
    for pair, key in ((mallory, keys[1]), (eve, keys[0])):
        write(pair[0], pair[1], [ops.peer_status(key, PEER_ACTIVE)], FAR_MS)
    meet_all(mallory[0], eve[0], stick[0], laptop[0])
    for pair in (laptop, stick):
        assert [status(pair, key) for key in keys] == [PEER_REVOKED, PEER_REVOKED]
    # Once a member lets one of them in, her word counts again, and with her ends what she has vouched for.
    laptop[0].members.admit(laptop[1], keys[0], "", NOW_MS)
    assert [status(laptop, key) for key in keys] == [PEER_ACTIVE, PEER_ACTIVE]
    laptop[0].members.revoke(laptop[1], keys[0], NOW_MS)
    assert [status(laptop, key) for key in keys] == [PEER_REVOKED, PEER_REVOKED]


def test_another_members_word_lifts_a_revocation_but_not_a_concurrent_one():
    laptop, bob, desk = members()
    key = bob[0].identity.public
    laptop[0].members.revoke(laptop[1], key, NOW_MS)
    carry(laptop[0], desk[0])
    desk[0].members.admit(desk[1], key, "", NOW_MS)
    assert status(desk, key) == PEER_ACTIVE
    laptop[0].members.revoke(laptop[1], desk[0].identity.public, NOW_MS)  # and what it had to say about others
    meet(laptop[0], desk[0])
    assert status(laptop, key) == PEER_REVOKED
    laptop[0].members.admit(laptop[1], key, "", NOW_MS)
    assert status(laptop, key) == PEER_ACTIVE


def test_more_writes_than_a_row_holds_do_not_hide_a_revocation():
    laptop, mallory, stick = members()
    key = mallory[0].identity.public
    laptop[0].members.revoke(laptop[1], key, NOW_MS)
    for number in range(30):
        item = mallory[1].weaver.submit(ops.system(ops.peer_status(key, PEER_ACTIVE)), [], FAR_MS + number)
        assert item is not None
    mallory[0].journal.commit(NOW_MS)
    meet(mallory[0], stick[0])
    meet(stick[0], laptop[0])
    assert status(laptop, key) == PEER_REVOKED
    assert status(stick, key) == PEER_REVOKED
    # A new admission supersedes all of them.
    laptop[0].members.admit(laptop[1], key, "", NOW_MS)
    assert status(laptop, key) == PEER_ACTIVE


def test_a_list_of_a_stores_own_does_not_keep_anybody_in():
    laptop, mallory, _stick = members()
    key = mallory[0].identity.public
    notes = mallory[0].tree.find("notes")
    write(mallory[0], notes, [ops.strategy_independent()])
    write(mallory[0], notes, [ops.peer_status(key, PEER_ACTIVE), ops.peer_status(b"z" * 32, PEER_ACTIVE)])
    meet(mallory[0], laptop[0])
    laptop[0].members.revoke(laptop[1], key, NOW_MS)
    assert not laptop[0].members.may_connect(notes.id, key)
    # Whom only such a list names is found, and shut out of it.
    assert laptop[0].members.may_connect(notes.id, b"z" * 32)
    assert laptop[0].members.find(laptop[1], (b"z" * 32).hex()) == b"z" * 32
    laptop[0].members.revoke(laptop[1], b"z" * 32, NOW_MS)
    assert not laptop[0].members.may_connect(notes.id, b"z" * 32)


def test_who_was_revoked_decides_about_nobody():
    laptop, mallory, _stick = members()
    mallory[0].members.revoke(mallory[1], laptop[0].identity.public, NOW_MS)
    meet(laptop[0], mallory[0])
    for function in (
        lambda: laptop[0].invites.create(laptop[1], NOW_MS),
        lambda: laptop[0].members.admit(laptop[1], b"k" * 32, "", NOW_MS),
    ):
        assert "revoked" in str(raises(UsageError, function))


def test_where_the_reference_may_see_another_status():
    laptop, mallory, _stick = members()
    key = mallory[0].identity.public
    system = laptop[1].system
    assert not system.is_disputed(key)
    laptop[0].members.revoke(laptop[1], key, NOW_MS)
    assert not system.is_disputed(key)
    assert not laptop[0].members.revoke(laptop[1], key, NOW_MS)
    write(mallory[0], mallory[1], [ops.peer_status(key, PEER_ACTIVE)], FAR_MS)
    carry(mallory[0], laptop[0])
    assert system.is_disputed(key)
    assert laptop[0].members.revoke(laptop[1], key, NOW_MS)  # again: now all agree
    assert not system.is_disputed(key)


def rule(items, key, above=()):
    """The status of a key by the words of docs/differences.md, from all writes at once."""
    row = [item for item in items if item.what[0] == key]
    superseded = []
    for item in row:
        superseded.extend(list(item.deps()))
    heads = [item for item in row if item.hash not in superseded]
    if not heads:
        return None
    best = heads[0]
    for item in heads:
        if (item.wall_ms, item.counter, item.author) >= (best.wall_ms, best.counter, best.author):
            best = item
    if not [item for item in row if item.what[1] == PEER_REVOKED]:
        return best.what[1]
    for item in heads:
        if item.what[1] == PEER_REVOKED or item.author == key or item.author in above:
            return PEER_REVOKED
        if rule(items, item.author, above + (key,)) != PEER_ACTIVE:
            return PEER_REVOKED
    return best.what[1]


class Written:
    """An intention and what it says: (key, status)."""

    def __init__(self, item, what):
        self.item = item
        self.what = what
        self.hash, self.author = item.hash, item.author
        self.wall_ms, self.counter, self.deps = item.wall_ms, item.counter, item.deps


def test_equal_sets_give_equal_verdicts_in_any_order():
    lifted = 0
    for seed in range(40):
        rng = Rng(seed + 1)
        authors = [Author(number) for number in range(1, 5)]
        made = []
        for author in authors:
            made.append(Written(author.write(ops.system(ops.peer_status(author.key, PEER_ACTIVE))), (author.key, 2)))
        for _ in range(12):
            author, about = rng.choice(authors), rng.choice(authors)
            word = rng.choice((PEER_ACTIVE, PEER_ACTIVE, PEER_REVOKED))
            row = [item for item in made if item.what[0] == about.key]
            deps = [item.hash for item in row if rng.below(3)]
            operation = ops.system(ops.peer_status(about.key, word))
            item = author.write(operation, deps, wall_ms=1000 + rng.below(20))
            made.append(Written(item, (about.key, word)))
        expected = [rule(made, author.key) for author in authors]
        hashes = []
        for _ in range(3):
            replica = Replica(9)
            waiting = list(made)
            while waiting:
                item = waiting.pop(rng.below(len(waiting)))
                replica.take(item.item)
            assert replica.store.count == len(made)
            assert [replica.system.peer(author.key).status for author in authors] == expected, seed
            hashes.append(replica.weaver.state_hash())
        assert hashes[0] == hashes[1] == hashes[2]
        for author, now in zip(authors, expected):
            once = [item for item in made if item.what == (author.key, PEER_REVOKED)]
            lifted += now == PEER_ACTIVE and len(once) > 0
    assert lifted > 3


def test_two_statuses_that_stand_side_by_side_are_named_also_where_nobody_was_ever_revoked():
    laptop, bob, desk = members()
    key = bob[0].identity.public
    write(desk[0], desk[1], [ops.peer_status(key, PEER_ACTIVE)], NOW_MS + 1)
    write(laptop[0], laptop[1], [ops.peer_status(key, PEER_ACTIVE)], NOW_MS + 1)
    meet(laptop[0], desk[0])
    assert not laptop[1].system.is_disputed(key)  # both say the same
    write(desk[0], desk[1], [ops.peer_status(key, PEER_ACTIVE)], NOW_MS + 2)
    write(laptop[0], laptop[1], [ops.peer_status(key, PEER_INVITED)], NOW_MS + 2)
    meet(laptop[0], desk[0])
    assert laptop[1].system.is_disputed(key)
    assert desk[1].system.is_disputed(key)


# -- invites -----------------------------------------------------------------------------------------------------------


def test_an_invite_that_was_used_shows_as_used_also_when_somebody_revokes_it():
    laptop, desk = members(2)
    token = laptop[0].invites.create(laptop[1], NOW_MS)
    invite_id = token.invite_id(CRYPTO)
    meet(laptop[0], desk[0])
    desk[0].invites.revoke(desk[1], invite_id.hex(), NOW_MS)
    laptop[0].invites.accept(token.store_id, token.secret, b"j" * 32, NOW_MS)
    meet(laptop[0], desk[0])
    write(desk[0], desk[1], [ops.invite_status(invite_id, INVITE_REVOKED)], FAR_MS)  # in place of both
    meet(laptop[0], desk[0])
    for node, root in (laptop, desk):
        assert root.system.invite(invite_id).status == INVITE_CLAIMED
        assert "used already" in str(raises(Refused, node.invites.accept, root.id, token.secret, b"x" * 32, NOW_MS))


def test_a_node_that_was_shut_out_itself_lets_nobody_in():
    for word, heard in ((PEER_REVOKED, "revoked"), (PEER_DORMANT, "dormant")):
        laptop, desk = members(2)
        token = laptop[0].invites.create(laptop[1], NOW_MS)
        carry(laptop[0], desk[0])
        write(laptop[0], laptop[1], [ops.peer_status(desk[0].identity.public, word)])
        carry(laptop[0], desk[0])
        count = desk[1].store.count
        words = str(raises(Refused, desk[0].invites.accept, token.store_id, token.secret, b"j" * 32, NOW_MS))
        assert "no active member" in words
        assert desk[1].store.count == count
        assert heard in str(raises(UsageError, desk[0].invites.create, desk[1], NOW_MS))
        laptop[0].invites.accept(token.store_id, token.secret, b"j" * 32, NOW_MS)


def test_who_made_an_invite_is_the_author_of_its_write():
    laptop, mallory, stick = members()
    key = mallory[0].identity.public
    secret = b"m" * 32
    invite_id = CRYPTO.blake3_digest(secret)
    forged = [ops.invite_status(invite_id, INVITE_VALID), ops.invite_invited_by(invite_id, laptop[0].identity.public)]
    write(mallory[0], mallory[1], forged)
    meet(laptop[0], mallory[0])
    meet(laptop[0], stick[0])
    assert laptop[1].system.invite(invite_id).made_by == key
    laptop[0].members.revoke(laptop[1], key, NOW_MS)
    for pair in (laptop, stick):
        carry(laptop[0], stick[0])
        raises(Refused, pair[0].invites.accept, laptop[1].id, secret, key, NOW_MS)
        raises(Refused, pair[0].invites.accept, laptop[1].id, secret, b"?" * 32, NOW_MS)


def test_a_used_or_revoked_invite_is_never_valid_again():
    laptop, mallory, stick = members()
    key = mallory[0].identity.public
    used, ended = laptop[0].invites.create(laptop[1], NOW_MS), laptop[0].invites.create(laptop[1], NOW_MS)
    meet(laptop[0], mallory[0])
    laptop[0].invites.accept(used.store_id, used.secret, b"j" * 32, NOW_MS)
    laptop[0].invites.revoke(laptop[1], ended.invite_id(CRYPTO).hex(), NOW_MS)
    laptop[0].members.revoke(laptop[1], key, NOW_MS)
    for hear in (False, True):
        if hear:
            carry(laptop[0], mallory[0])
        again = [ops.invite_status(token.invite_id(CRYPTO), INVITE_VALID) for token in (used, ended)]
        write(mallory[0], mallory[1], again, FAR_MS)
        meet(mallory[0], stick[0])
        meet(stick[0], laptop[0])
        for pair in (laptop, stick):
            found = [pair[1].system.invite(token.invite_id(CRYPTO)).status for token in (used, ended)]
            assert found == [INVITE_CLAIMED, INVITE_REVOKED]
            for token in (used, ended):
                raises(Refused, pair[0].invites.accept, token.store_id, token.secret, key, NOW_MS)


def test_somebody_who_was_revoked_does_not_take_over_an_invite():
    laptop, mallory, _stick = members()
    token = laptop[0].invites.create(laptop[1], NOW_MS)
    meet(laptop[0], mallory[0])
    write(mallory[0], mallory[1], [ops.invite_status(token.invite_id(CRYPTO), INVITE_VALID)], FAR_MS)
    meet(laptop[0], mallory[0])
    laptop[0].members.revoke(laptop[1], mallory[0].identity.public, NOW_MS)
    raises(Refused, laptop[0].invites.accept, token.store_id, token.secret, b"?" * 32, NOW_MS)


# -- numbers and names ------------------------------------------------------------------------------------------------


def test_made_up_stores_keep_nobody_elses_closed():
    laptop, mallory, stick = members()
    for pair in (laptop, mallory, stick):
        pair[0].tree.limit = 7
    for at in range(1, 25, 8):
        operations = []
        for number in range(at, at + 8):
            child = number.to_bytes(16, "big")
            operations += [ops.child_add(child, "x", "core:kvstore"), ops.child_status(child, CHILD_ACTIVE)]
        write(mallory[0], mallory[1], operations)
    for pair in (laptop, stick):
        meet(mallory[0], pair[0])
        assert len(pair[0].tree.replicas) == 7
    made = [laptop[0].create_store("diary%d" % n, "core:kvstore", laptop[1].id, NOW_MS) for n in range(2)]
    meet(laptop[0], stick[0])
    for handle in made:
        assert stick[0].tree.get(handle.id) is not None
        assert len(stick[0].tree.replicas) == 7
    assert stick[0].storage.store_ids() != []
    assert sum([1 for _ in stick[0].tree.closed()]) == 24 - 3
    assert stick[0].tree.closed_child(bytes(16)) is None
    again = reopened(stick[0])
    assert again.tree.get(made[0].id) is not None


def test_a_whole_id_always_means_that_id():
    laptop, mallory, stick = members()
    key, other = stick[0].identity.public, mallory[0].identity.public
    for name in (key.hex(), key.hex()[:8].upper(), key.hex()[:6]):
        write(mallory[0], mallory[1], [ops.peer_name(other, name)])
        carry(mallory[0], laptop[0])
        assert laptop[0].members.find(laptop[1], key.hex()) == key
        assert laptop[0].members.find(laptop[1], key.hex()[:12]) == key
    # So few digits may be meant as a name or as an id: one must say which.
    assert "any of" in str(raises(UsageError, laptop[0].members.find, laptop[1], key.hex()[:6]))
    raises(UsageError, laptop[0].members.find, laptop[1], "0" * 64)
    notes = laptop[0].tree.find("notes")
    write(mallory[0], mallory[1], [ops.child_add(bytes(16), stores.id_text(notes.id), "core:kvstore")])
    carry(mallory[0], laptop[0])
    for selector in (stores.id_text(notes.id), stores.id_text(notes.id)[:8]):
        assert laptop[0].tree.find(selector) is notes


def test_names_that_look_like_ids_are_refused_where_they_are_chosen():
    laptop, root, _ = share()
    for name in ("0123abcd", "DEADBEEF", "12345678-abcd"):
        raises(UsageError, laptop.rename, name, NOW_MS)
        raises(UsageError, laptop.create_store, name, "core:kvstore", None, NOW_MS)
        raises(UsageError, laptop.members.admit, root, b"k" * 32, name, NOW_MS)
    for name in ("facade", "ada", "2024", "0123abcd.txt", ""):
        laptop.rename(name or "laptop", NOW_MS)


def test_a_name_that_somebody_else_gave_is_asked_about():
    laptop, mallory, stick = members()
    write(mallory[0], mallory[1], [ops.peer_name(stick[0].identity.public, "mallory")])
    write(mallory[0], mallory[1], [ops.peer_name(mallory[0].identity.public, "n3")])
    carry(mallory[0], laptop[0])
    words = str(raises(UsageError, laptop[0].members.find, laptop[1], "mallory"))
    assert stick[0].identity.public.hex()[:8] in words
    assert "n3" in words
    assert laptop[0].members.find(laptop[1], stick[0].identity.public.hex()) == stick[0].identity.public


def test_who_cannot_be_told_apart_by_the_beginning_of_an_id_is_shown_with_more_of_it():
    laptop, mallory, stick = members()
    key = stick[0].identity.public
    twins = [key[:length] + bytes(32 - length) for length in (4, 9, 31)]
    write(mallory[0], mallory[1], [ops.peer_status(twin, PEER_ACTIVE) for twin in twins])
    carry(mallory[0], laptop[0])
    words = str(raises(UsageError, laptop[0].members.find, laptop[1], key.hex()[:8]))
    for one in [key] + twins:
        assert "(%s)" % one.hex() in words
        assert laptop[0].members.find(laptop[1], one.hex()) == one
    notes = laptop[0].tree.find("notes")
    twin = notes.id[:15] + bytes([notes.id[15] ^ 1])
    declared = [ops.child_add(twin, "notes", "core:kvstore"), ops.child_status(twin, CHILD_ACTIVE)]
    write(mallory[0], mallory[1], declared)
    carry(mallory[0], laptop[0])
    laptop[0].after_sync(NOW_MS)
    words = str(raises(UsageError, laptop[0].tree.find, "notes"))
    assert stores.id_text(notes.id) in words
    assert stores.id_text(twin) in words


# -- stores ---------------------------------------------------------------------------------------------------------


def test_what_a_store_itself_says_of_members_counts_for_nothing_while_its_share_is_not_open():
    laptop, mallory, stick = members()
    key = mallory[0].identity.public
    notes = mallory[0].tree.find("notes")
    for operations in ([ops.peer_status(key, PEER_ACTIVE)], [ops.strategy_independent()]):
        write(mallory[0], notes, operations)
        meet(mallory[0], laptop[0])
        laptop[0].members.revoke(laptop[1], key, NOW_MS)
        laptop[0].tree.replicas.remove(laptop[1])  # as when its state cannot be read
        for member in (key, stick[0].identity.public):
            assert not laptop[0].members.may_connect(notes.id, member)
        laptop[0].tree.replicas.insert(0, laptop[1])
        assert laptop[0].members.may_connect(notes.id, stick[0].identity.public) == (
            operations[0].get("strategy") is None
        )


def two_shares():
    """(a node in both, the root that declares the store first, the other root, the store)."""
    laptop, root, notes = share()
    other = make_node(5, "other")
    theirs = other.create_store("theirs", "core:kvstore", None, NOW_MS)
    second = other.tree.root_of(theirs)
    join(laptop, other, other.invites.create(second, NOW_MS))
    return laptop, root, laptop.tree.get(second.id), notes, other


def test_a_store_stays_with_the_share_it_came_through():
    laptop, root, second, notes, other = two_shares()
    member = other.identity.public
    for name, kind, status in (("mine", "core:kvstore", CHILD_ACTIVE), ("mine", "core:kvstore", CHILD_ARCHIVED)):
        write(
            other, other.tree.get(second.id), [ops.child_add(notes.id, name, kind), ops.child_status(notes.id, status)]
        )
        carry(other, laptop)
        for node in (laptop, reopened(laptop)):
            assert node.tree.get(notes.id).parent == root.id
            assert node.tree.get(notes.id).name == "notes"
            assert not node.members.may_connect(notes.id, member)
            if status == CHILD_ACTIVE:
                assert list(node.tree.second_claims()) == [(notes.id, second.id, "mine", root.id)]
                assert list(node.tree.closed()) == []
    # Archived by its own share, it is not opened by the other one.
    write(other, other.tree.get(second.id), [ops.child_status(notes.id, CHILD_ACTIVE)])
    write(laptop, root, [ops.child_status(notes.id, CHILD_ARCHIVED)])
    carry(other, laptop)
    assert laptop.tree.get(notes.id) is None
    assert reopened(laptop).tree.get(notes.id) is None


def test_a_root_cannot_be_claimed_as_a_store_nor_entered_when_it_was():
    laptop, root, second, _notes, other = two_shares()
    third = make_node(6, "third")
    foreign = third.tree.root_of(third.create_store("foreign", "core:kvstore", None, NOW_MS))
    declare = [ops.child_add(root.id, "a root", "core:kvstore"), ops.child_add(foreign.id, "taken", "core:kvstore")]
    write(other, other.tree.get(second.id), declare)
    carry(other, laptop)
    assert laptop.tree.get(root.id).parent is None
    assert laptop.tree.get(foreign.id).parent == second.id
    assert [claim[0] for claim in laptop.tree.second_claims()] == [root.id]
    words = str(raises(UsageError, laptop.begin_join, third.invites.create(foreign, NOW_MS)))
    assert stores.id_text(second.id) in words


def test_a_share_that_came_as_a_store_meanwhile_is_not_entered():
    laptop, _root, second, _notes, other = two_shares()
    third = make_node(6, "third")
    foreign = third.tree.root_of(third.create_store("foreign", "core:kvstore", None, NOW_MS))
    token = third.invites.create(foreign, NOW_MS)
    laptop.begin_join(token)
    write(other, other.tree.get(second.id), [ops.child_add(foreign.id, "taken", "core:kvstore")])
    carry(other, laptop)
    raises(UsageError, laptop.complete_join, token, "core:rootstore", NOW_MS)
    assert laptop.tree.get(foreign.id).parent == second.id
    assert laptop.tree.get(foreign.id).joined_at() is None
