"""Group `identity`: a new identity for a node whose own history was forked, or whose key may be in other hands."""

import shlex
from collections.abc import Callable, Generator
from pathlib import Path

from lattice_core.api.plain import bytes_text
from lattice_core.errors import LatticeError, Refused, UsageError
from lattice_core.model.token import Token
from lattice_core.node.stores import id_text
from lattice_core.sync.common.tasks import StreamLost
from lattice_core.weaver.own import FORKED_RECORD, GIVEN_UP
from lattice_core.wire.messages import INVITE_VALID

from .. import carry
from .. import rekey as steps
from ..carry import Carried
from ..clock import now_ms
from ..datadir import DataDir
from .backend import Event, Result, Stream
from .local import OpenNode, opened
from .stick_port import StickPort, outcome_of
from .syncing import TIMEOUT_S, outcome, parsed_token

_HEALTHY = (
    "nothing is wrong with the identity of this node, and a new one is work for everybody, since the old one has to be "
    "revoked. If others may have its key, add --force"
)


class DirectoryService:
    """Operations on a data directory that is held, and whose node they open themselves."""

    def __init__(self, directory: DataDir, notify: Callable[[str], None]) -> None:
        self.directory = directory
        self.notify = notify


class IdentityService(DirectoryService):
    def rekey(
        self,
        token: str | None = None,
        via: str = "auto",
        force: bool = False,
        timeout_s: float = TIMEOUT_S,
        command: str = "lattice-host",
    ) -> Stream:
        """Takes a new identity, joins with the invite, and writes again what nobody else is known to hold; the old data
        is kept aside. Interrupted, it goes on when it is run again. Yields the events of a port. `command`: how a
        command for this node begins."""
        directory = self.directory
        journal = steps.Rekey(directory.path)
        parsed = None if token is None else parsed_token(token)
        is_new = False
        with opened(directory, self.notify) as now:
            if journal.step is None or (journal.swapped() and _is_forked(now.node)):
                _check_begin(now.node, parsed, force)
                is_new = True
                journal.begin(now.node.identity.public.hex())
        swapped = journal.swapped()
        old_directory = DataDir(journal.aside, make=False) if swapped else directory
        new_directory = directory if swapped else DataDir(journal.stage)
        work = None
        try:
            with opened(old_directory, self.notify) as old, opened(new_directory, self.notify) as new:
                if not new.node.name:
                    new.node.rename(old.node.name, now_ms())
                work = _Work(directory, old, new, via, timeout_s, self.notify)
                yield from work.run(parsed, journal)
                data = work.result(journal.aside)
        except LatticeError as error:
            if is_new and (work is None or work.came_to_nothing(error)):
                journal.abandon()
            raise
        if not swapped:
            journal.swap()
        if not data["pending"]:
            journal.end()
        data["commands"] = _commands(command, data)
        return data

    def abandon(self) -> Result:
        """Takes back what `rekey` began, where nothing was done with it yet: {`abandoned`}."""
        journal = steps.Rekey(self.directory.path)
        if journal.step != steps.BEGUN:
            raise Refused("no new identity is waiting to join: nothing is to be taken back", "nothing_to_do")
        with opened(self.directory, self.notify) as old, opened(DataDir(journal.stage), self.notify) as new:
            key = new.node.identity.public.hex()
            if new.node.tree.roots() or old.storage.record(FORKED_RECORD) == GIVEN_UP:
                raise Refused(
                    "the new identity has joined already: `node rekey` goes on, and nothing is lost on the way",
                    "already_member",
                )
        journal.abandon()
        return {"abandoned": key}


def _is_forked(node):
    return any(handle.weaver.own_chain_is_forked() for handle in node.tree.replicas)


def _check_begin(node, token, force):
    healthy = not (force or node.tree.damaged or any(handle.weaver.read_only for handle in node.tree.replicas))
    if token is None and healthy:
        raise Refused("%s, and it needs an invite of another member" % _HEALTHY)
    if token is None:
        raise UsageError("a new identity needs an invite: ask another member for one, then --invite TOKEN", "no_invite")
    if node.tree.get(token.store_id) is None:
        shares = ", ".join(root.label() for root in node.tree.roots()) or "none"
        raise UsageError("this invite is for a share that this node is not in; its shares: %s" % shares, "wrong_invite")
    invite = node.tree.get(token.store_id).system.invite(node.crypto.blake3_digest(token.secret))
    if invite is not None and node.identity.public in invite.claimed_by:
        raise UsageError(
            "this node joined with this invite: a new identity needs a new one, if it is to have another yet"
        )
    if token.is_over(now_ms()) or (invite is not None and invite.status != INVITE_VALID):
        raise UsageError("this invite is used up, revoked or expired: ask another member for a new one", "invite_used")
    if healthy:
        raise Refused(_HEALTHY)


class _Work:
    """What is done while both nodes are open."""

    def __init__(self, directory, old, new, via, timeout, notify):
        self._notify = notify
        self.old, self.new = old.node, new.node
        self._timeout = timeout
        self._wires = {on.node: StickPort(OpenNode(directory, on.storage, on.node, notify), via) for on in (old, new)}
        self.carried = Carried()
        self.owned = False  # the stick at the port obeys the new identity, too
        self.report = None
        self.joined = bool(new.node.tree.roots())
        self.asked = False  # the secret of the invite was shown: the new identity may be a member

    def run(self, token: Token | None, journal: steps.Rekey) -> Generator[Event, None, None]:
        new = self.new
        wire = self._wires[new]
        if token is None and not new.tree.roots():
            raise UsageError("the new identity has not joined yet: repeat the command with its --invite TOKEN")

        def command(peer):
            if token is not None and new.tree.get(token.store_id) is None:
                self.asked = self.asked or token.may_be_shown_to(peer.key)
                return peer.join(token)
            return peer.sync()

        try:
            self.report = yield from wire.talk(command, self._timeout, give_time=True)
        finally:
            self.joined = bool(new.tree.roots())
        journal.note_joined()
        steps.reached("joined")
        # What is written from here on would not come over.
        self.old.storage.put_record(FORKED_RECORD, GIVEN_UP)
        self.old.journal.commit(now_ms())
        synced = [store_id for store_id, one in self.report.outcomes.items() if one.ended]
        for root in self.old.tree.roots():
            if root.id in synced:
                carry.share(self.old, new, root.id, synced, now_ms(), self.carried)
                steps.reached("carried")
        yield from self._own_stick()
        steps.reached("owned")
        yield from self._send(wire)
        wire.remember(new.members.peer_name(wire.peer_key))

    def came_to_nothing(self, error):
        """True when nobody knows of the new identity: nobody was asked to let it in, or the answer was no."""
        return not self.joined and (not self.asked or isinstance(error, Refused))

    def _own_stick(self):
        """The stick at the port, where the old identity owns it."""
        key = self.new.identity.public

        def add(peer):
            status = yield from outcome_of(peer.status())
            owners = status["status"]["owners"]
            if key not in owners and self.old.identity.public in owners:
                yield from outcome_of(peer.owner_add(key))
                owners = [*owners, key]
            return key in owners

        try:
            self.owned = yield from self._wires[self.old].talk(
                lambda peer: peer.start(add(peer), "owner"), self._timeout
            )
        except LatticeError:
            self.owned = False  # no stick, or it does not know this identity: the command for it is shown

    def _send(self, wire):
        """What was written again leaves this data at once, where it can."""
        try:
            self.report = yield from wire.talk(lambda peer: peer.sync(), self._timeout, give_time=True)
        except (StreamLost, UsageError) as error:
            self._notify("what was written again is only here yet, `sync` carries it: %s" % error)
        steps.reached("sent")

    def result(self, aside: Path) -> Result:
        old, new, carried = self.old, self.new, self.carried
        here = [new.tree.get(root.id) for root in old.tree.roots()]
        pending = [label for root in here if root is not None for label in carry.pending(old, new, root.id)]
        pending += [root.label() for root in old.tree.roots() if new.tree.get(root.id) is None]
        peer_key = self._wires[new].peer_key
        sticks = {key for root in old.tree.roots() for key in old.members.sticks(root)}
        data = {
            "id": new.identity.public.hex(),
            "old": old.identity.public.hex(),
            "aside": str(aside),
            "shares": [id_text(root.id) for root in here if root is not None],
            "others": carried.others,
            "blobs": carried.blobs,
            "written": carried.written,
            "conflicts": [bytes_text(key) for key in carried.conflicts],
            "not_deleted": [bytes_text(key) for key in carried.not_deleted],
            "unreadable": carried.unreadable,
            "revoked": [_member(old, key) for key in carried.revoked],
            "let_in": [_member(old, key) for key in carried.let_in],
            "invites": carried.invites,
            "elsewhere": carried.elsewhere,
            "pending": pending,
            "closed": [{"id": id_text(store_id), "error": words} for store_id, words in old.tree.damaged],
            "sticks": [_member(old, key) for key in sorted(sticks) if not (self.owned and key == peer_key)],
        }
        data.update(outcome(new, self.report))
        return data


def _member(node, key):
    return {"id": key.hex(), "name": node.members.peer_name(key)}


def _commands(here, data):
    """What is left for the person to run, in this order. `here`: how a command for this node begins."""
    aside = "lattice-host --data %s" % shlex.quote(data["aside"])
    commands = ["%s stick owner add PORT %s" % (aside, data["id"]) for _ in data["sticks"]]
    commands += ["%s peer revoke %s --store %s" % (here, data["old"], share) for share in data["shares"]]
    return commands
