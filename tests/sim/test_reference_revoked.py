"""A long answer over `lattice-sync/1` ends where its peer is revoked (a computer's memory: too long for a stick's)."""

from lattice_core.sync.reference.messages import Messages
from support.nano import START_MS
from support.server import Client, shared


def test_who_is_revoked_gets_no_more_of_a_long_answer():
    world, notes, client = shared()
    count = 400
    for number in range(count):
        notes.kv.put(b"key %d" % number, b"x" * 40, START_MS + number)
    world.left.journal.commit(START_MS)
    hashes = [notes.store.witness_at(number)[0] for number in range(1, notes.store.count + 1)]
    one = {"reconcile": {"store_id": notes.id, "messages": [{"done": True}]}}
    wishes = {"fetch_intentions": {"store_id": notes.id, "hashes": hashes}}
    bulk = {"bootstrap_request": {"store_id": notes.id, "start_seq": 1, "limit": 1000}}
    for begun in ((bulk,), (one, wishes)):
        root = world.left.tree.roots()[0]
        world.left.members.admit(root, world.right.identity.public, "", START_MS)
        client = Client(world.left, world.right.identity.public)
        messages = Messages(client.pair.a.open_stream())
        for request in begun:
            messages.post(request)
        got = 0
        for turn in range(300):
            client.now_ms += 1
            if messages.stream.error is None:
                messages.flush()
            client.peer.step(client.now_ms)
            if turn == 6:
                world.left.members.revoke(root, world.right.identity.public, START_MS)
            if messages.stream.error is not None:
                break
            answer = messages.poll()
            for name in answer or ():
                got += len(answer[name].get("intentions", ()))
        assert 0 < got < count * 3 // 4, (got, begun[0])
        assert not client.peer.transfers(), (got, begun[0])
