"""What only the data of a given-up identity has, brought into the stores of the new one (`rekey.py`).

What others wrote comes over as it is, signed by them, and so does the content of files. What the old identity wrote and
the new node did not get from its peer is written again, as writes of the new identity: on top of what the old node had
seen. So it follows where nobody has changed the key since, and stands beside the change, as a conflict, where somebody
has; a deletion of what somebody has changed since is not repeated.
"""

from dataclasses import dataclass, field

from lattice_core.errors import LatticeError
from lattice_core.files.files import BATCH_BYTES, BATCH_ENTRIES
from lattice_core.machines.registry import TYPE_LOG
from lattice_core.model import ops
from lattice_core.node import stores
from lattice_core.storage.contract import TABLE_META
from lattice_core.wire.messages import INVITE_VALID, PEER_REVOKED, KvPayload

_WRITTEN_AGAIN = (stores.KV_TYPE, TYPE_LOG)
_CARRIED = b"node/carried/"  # ‖ old key: a row of a store into which everything was brought
_MADE_ANEW = b"node/anew/"  # ‖ id of a store that only the old data has: a row of the root, the id of its successor


@dataclass
class Carried:
    """What came over, and what a person has to look at."""

    others: int = 0  # intentions of others
    blobs: int = 0
    written: int = 0  # keys and files written again
    conflicts: list[bytes] = field(default_factory=list)  # keys that others have changed since
    not_deleted: list[bytes] = field(default_factory=list)
    unreadable: int = 0  # damaged in the old data
    revoked: list[bytes] = field(default_factory=list)  # keys that were shut out in the old data and are not here
    let_in: list[bytes] = field(default_factory=list)  # members of the old data that are unknown here
    invites: int = 0  # open ones of the old identity
    elsewhere: list[str] = field(default_factory=list)  # stores that others hold and this peer does not


def is_carried(handle, old_key):
    return handle.store.row(TABLE_META, _CARRIED + old_key) is not None


def share(old_node, new_node, root_id, synced, now_ms, carried):
    """Brings over everything of one share; `synced`: ids of stores that were fetched from the peer. What is done is
    done in one transaction for each store, so that this can be repeated after any interruption."""
    old_root, root = old_node.tree.get(root_id), new_node.tree.get(root_id)
    for old in old_node.tree.descending(old_root):
        new = new_node.tree.get(old.id)
        if new is None:
            new = _made_anew(old_node, new_node, old, root, now_ms, carried)
            if new is None:
                carried.elsewhere.append(old.label())
                continue
        elif old.id not in synced:
            continue
        if is_carried(new, old_node.identity.public):
            continue
        _bring(old_node, new_node, old, new, now_ms, carried)
        if old is old_root:
            _members(old_node, new_node, old_root, root, now_ms, carried)
        with new_node.journal.write(now_ms):
            _write_again(old_node, new_node, old, new, now_ms, carried)


def pending(old_node, new_node, root_id):
    """Labels of the stores of a share that were not brought over yet."""
    found = []
    for old in old_node.tree.descending(old_node.tree.get(root_id)):
        new = new_node.tree.get(old.id) or _successor(new_node, root_id, old.id)
        if new is None or not is_carried(new, old_node.identity.public):
            found.append(old.label())
    return found


# -- what is signed by others, and content --------------------------------------------------------------------------


def _bring(old_node, new_node, old, new, now_ms, carried):
    for _, hash, author, _ in old.store.witness_log() if old.id == new.id else ():
        if author == old_node.identity.public or new.store.has(hash):
            continue
        try:
            item = old.store.get(hash)
            new.weaver.ingest(item, now_ms, False, True)
        except LatticeError:
            carried.unreadable += 1
            continue
        carried.others += new.store.has(hash)
        new_node.journal.commit_due(now_ms)
    for digest, size in list(old.store.blobs()):
        if new.store.has_blob(digest):
            continue
        try:
            new.contents.put(digest, old.store.blob(digest).read(0, size))
        except LatticeError:
            carried.unreadable += 1
            continue
        carried.blobs += 1
        new_node.journal.commit_due(now_ms)
    new_node.journal.commit(now_ms)


# -- what the old identity wrote --------------------------------------------------------------------------------------


def _write_again(old_node, new_node, old, new, now_ms, carried):
    """One transaction: all lost writes of a store, and the mark that they are written."""
    own = old_node.identity.public
    anew = {}  # hash of a lost write: of what was written in its place
    if old.type == stores.KV_TYPE:
        lost = None if old.id != new.id else _lost(old.store, new.store, own)
        writer = _Writer(new, now_ms, anew)
        for entry in old.kv.list(deleted=True):
            _entry(old, new, entry, own, lost, writer, carried)
        writer.flush()
        carried.written += writer.keys
        _places(old_node.storage, new_node.storage, old.id, new.id, anew)
    elif old.type == TYPE_LOG:
        lost = None if old.id != new.id else _lost(old.store, new.store, own)
        carried.written += _append_again(old, new, own, lost, now_ms, carried)
    new.store.put_row(TABLE_META, _CARRIED + own, b"")


def _append_again(old, new, own, lost, now_ms, carried):
    """Entries of a log in their order, with the time of now: how many. `lost` as in `_entry`."""
    count = 0
    for entry in old.view.entries():
        if lost is not None and (entry.author != own or entry.hash not in lost):
            continue
        try:
            content = _whole(entry.content())
        except LatticeError:
            carried.unreadable += 1
            continue
        new.view.append(content, now_ms)
        count += 1
    return count


def _lost(old, new, own):
    """Hashes of what `own` wrote and the new node does not have."""
    length = old.chain(own)[0]
    hashes = (old.chain_at(own, position) for position in range(1, length + 1))
    return {hash for hash in hashes if not new.has(hash)}


def _entry(old, new, entry, own, lost, writer, carried):
    """One key of the old data. `lost`: writes that are not in the new store, None when nothing is."""
    standing = list(entry.heads())
    mine = [head for head in standing if (head.author == own and head.hash in lost if lost is not None else True)]
    if not mine:
        return
    head = mine[0]
    try:
        key = _whole(entry.key_body())
        value = None if head.deleted else _whole(entry.value_of(head))
    except LatticeError:
        carried.unreadable += 1
        return
    there = new.kv.inspect(key)
    heads = [] if there is None else list(there.heads())
    if any(_same(there, one, value) for one in heads):
        return
    beside = {one.hash for one in standing}
    newer = [one for one in heads if not old.store.has(one.hash)]
    deps = [one.hash for one in heads if old.store.has(one.hash) and one.hash not in beside]
    if value is None and (newer or not heads):
        if newer:
            carried.not_deleted.append(key)
        return
    if newer:
        carried.conflicts.append(key)
    writer.put(key, value, deps, head.hash)


def _whole(body):
    return body.read(0, body.size)


def _same(entry, head, value):
    if head.deleted or value is None:
        return head.deleted and value is None
    body = entry.value_of(head)
    return body.size == len(value) and _whole(body) == value


class _Writer:
    """Writes keys as few intentions as fit, none larger than a stick takes easily."""

    def __init__(self, handle, now_ms, anew):
        self._handle = handle
        self._now_ms = now_ms
        self._anew = anew
        self._batch = []
        self._size = 0
        self.keys = 0

    def put(self, key, value, deps, replaced):
        size = len(key) + len(value or b"")
        if self._batch and (len(self._batch) >= BATCH_ENTRIES or self._size + size > BATCH_BYTES):
            self.flush()
        self._batch.append((key, value, deps, replaced))
        self._size += size
        self.keys += 1

    def flush(self):
        batch, self._batch, self._size = self._batch, [], 0
        if not batch:
            return
        deps = [dep for _, _, needed, _ in batch for dep in needed]
        messages = [
            {"delete": {"key": key}} if value is None else {"put": {"key": key, "value": value}}
            for key, value, _, _ in batch
        ]
        written = self._handle.weaver.submit(ops.app(KvPayload.encode({"ops": messages})), deps, self._now_ms)
        for _, _, _, replaced in batch:
            self._anew[replaced] = written.hash


def _places(old, new, old_id, new_id, anew):
    """What is remembered of files on disks, with the new writes in the place of the lost ones."""
    for row in old.database.all("SELECT * FROM place WHERE store = ?", (old_id,)):
        values = list(row)
        heads = values[5]
        hashes = [heads[at : at + 32] for at in range(0, len(heads), 32)]
        values[2] = new_id
        values[5] = b"".join(anew.get(hash, hash) for hash in hashes)
        new.write("INSERT OR REPLACE INTO place VALUES (%s)" % ", ".join("?" * len(values)), tuple(values), 300)


# -- the share itself -------------------------------------------------------------------------------------------------


def _members(old_node, new_node, old_root, root, now_ms, carried):
    """Our sticks come along. Whom the old data lets in or shuts out otherwise is named: people decide."""
    ours = old_node.members.sticks(old_root)
    for member in old_node.members.listed(old_root):
        status = new_node.members.status_of(root, member.key)
        if member.key in (old_node.identity.public, new_node.identity.public):
            continue
        if member.status == PEER_REVOKED and status not in (None, PEER_REVOKED):
            carried.revoked.append(member.key)
        elif old_node.members.is_active(old_root, member.key) and status is None:
            if member.key in ours:
                new_node.members.admit(root, member.key, member.name, now_ms)
            else:
                carried.let_in.append(member.key)
    for key in ours:
        if new_node.members.is_active(root, key):
            new_node.members.note_stick(root, key)
    for invite in old_root.system.invites():
        now = root.system.invite(invite.id)
        made = invite.status == INVITE_VALID and old_node.identity.public in invite.makers()
        carried.invites += made and (now is None or now.status == INVITE_VALID)


def _successor(new_node, root_id, old_id):
    row = new_node.tree.get(root_id).store.row(TABLE_META, _MADE_ANEW + old_id)
    return None if row is None else new_node.tree.get(row)


def _made_anew(old_node, new_node, old, root, now_ms, carried):
    """The store in the place of one that was declared on the lost branch only; None when somebody else may hold it."""
    found = _successor(new_node, root.id, old.id)
    if found is not None:
        return found
    others = [author for author in old.store.authors() if author != old_node.identity.public]
    if others or any(old.holdings.holds_items(key) for key in old.holdings.peers()) or old.type not in _WRITTEN_AGAIN:
        return None
    parent = new_node.tree.get(old.parent) or _successor(new_node, root.id, old.parent)
    if parent is None:
        return None
    # What others were not let into stays so: nobody but the new identity is in such a store.
    strategy = stores.INDEPENDENT if old_node.tree.has_own_list(old) else stores.INHERITED
    with new_node.journal.write(now_ms):
        return _make_anew(new_node, root, parent, old, strategy, now_ms)


def _make_anew(new_node, root, parent, old, strategy, now_ms):
    used = {replica.name for replica in new_node.tree.walk(root)} | {child.name for child in root.system.children()}
    name, number = old.name, 2
    while name in used:
        name = "%s-%d" % (old.name, number)
        number += 1
    made = new_node.founding.child(parent, name, old.type, now_ms, strategy)
    root.store.put_row(TABLE_META, _MADE_ANEW + old.id, made.id)
    return made
