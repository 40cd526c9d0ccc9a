"""Group `sync`: full sessions with what is behind a port, and joining a share there."""

import time

from lattice_core.api.rows import member_name, read_only, second_claims, waiting_rows
from lattice_core.errors import ProtocolError, Refused, UsageError
from lattice_core.files.budget import ROOM_KEPT_BYTES
from lattice_core.model import token as tokens
from lattice_core.model.token import Token
from lattice_core.node.node import Node
from lattice_core.node.stores import id_text
from lattice_core.sync.common.syncing import NothingShared
from lattice_core.text import printable

from .. import crypto
from .backend import Result, Stream
from .host_service import HostService
from .stick_port import StickPort, outcome_of

TIMEOUT_S = 120.0


class SyncService(HostService):
    MAKES = ("join",)

    def run(self, port: str, timeout_s: float = TIMEOUT_S) -> Stream:
        """Synchronises both ways with what is behind `port`; `complete` when both sides have acknowledged everything.
        Yields the events of a port (`StickPort.talk`)."""
        started = time.monotonic()
        node = self.node
        wire = StickPort(self.on, port)
        node.invites.end_expired(self.now_ms())
        report = yield from wire.talk(lambda peer: peer.start(_synced(peer, port), "sync"), timeout_s, give_time=True)
        name = node.members.peer_name(wire.peer_key)
        wire.remember(name)
        data: Result = {"peer": wire.peer_key.hex(), "name": name, "port": wire.path}
        data.update(wire.moved())
        data.update(outcome(node, report))
        data["seconds"] = round(time.monotonic() - started, 3)
        return data

    def join(self, token: str, via: str = "auto", timeout_s: float = TIMEOUT_S) -> Stream:
        """Joins a share at whoever is behind `via` and fetches all of its stores. Repeated, it goes on where it was
        cut. A node that was made for it goes again when nobody was reached. {`share`, `at`, `stores`}, then as `run`.
        """
        node, on = self.node, self.on
        on.unused = True
        parsed = parsed_token(token)
        if parsed.is_over(self.now_ms()):
            raise UsageError("this invite has expired: ask for a new one", "invite_expired")
        node.begin_join_again(parsed)
        if node.tree.get(parsed.store_id) is not None:
            on.notify("this node is in that share already, or was; going on with what is missing")
        wire = StickPort(on, via)

        def command(peer):
            on.unused = False  # somebody was reached
            # Whoever is a member is let in again without a write, and no invite is used up. Where the secret may not be
            # shown, a share that is here can still be synced.
            here = node.tree.get(parsed.store_id) is not None
            return peer.sync() if here and not parsed.may_be_shown_to(peer.key) else peer.join(parsed, here)

        report = yield from wire.talk(command, timeout_s, give_time=True)
        name = node.members.peer_name(wire.peer_key)
        wire.remember(name)
        root = node.tree.find(id_text(parsed.store_id))
        data: Result = {
            "share": id_text(root.id),
            "at": {"id": wire.peer_key.hex(), "name": name},
            "stores": [
                {"id": id_text(one.id), "name": one.name, "type": one.type} for one in node.tree.descending(root)[1:]
            ],
        }
        data.update(wire.moved())
        data.update(outcome(node, report))
        return data


def parsed_token(text: str) -> Token:
    """The Token that a text is; UsageError in words when it is none."""
    try:
        return tokens.parse(crypto, text)
    except ProtocolError as error:
        raise UsageError(
            "this is no token, and no file that holds one (%s); copy all of it, a typing mistake shows as a wrong "
            "checksum" % error,
            "bad_token",
        ) from None


def _synced(peer, port):
    """Task: the sync; where nothing is shared, with the reason and the next step."""
    try:
        return (yield from outcome_of(peer.sync()))
    except NothingShared as error:
        try:
            shown = (yield from outcome_of(peer.status()))["status"]
        except Refused:
            shown = {"owned": True, "owners": []}  # a computer
        raise Refused(_why_nothing(peer, port, shown) or str(error)) from None


def _why_nothing(peer, port, shown):
    """Why nothing is shared, and what is to be done; None where that is not known."""
    node = peer.node
    if not shown["owned"]:
        return "this stick is fresh: `stick setup %s` takes it into a share of this node, then `sync` fills it" % port
    revoked = [root for root in node.tree.roots() if node.members.is_revoked(root.id, peer.key)]
    if revoked:
        back = "a new invite lets it in again"
        if node.identity.public in shown["owners"]:
            back = "it is yours still: `stick setup %s` lets it in again" % port
        elif shown["owners"]:
            back = "its owner can let it in again with `stick setup`"
        return "%s was revoked from share %s: %s" % (
            printable(node.members.peer_name(peer.key)) or peer.key.hex()[:8],
            revoked[0].label(),
            back,
        )
    if not node.tree.roots():
        return "this node is in no share yet: `join TOKEN --via %s` enters one, with an invite of a member" % port
    return None


def outcome(node: Node, report) -> Result:
    """What a Report says, as JSON."""
    outcomes = list(report.outcomes.values())
    return {
        "complete": report.complete,
        "read_only": read_only(node),
        "unfit": [row for one in outcomes for row in _unfit(one)],
        "room_here": max(node.storage.room() - ROOM_KEPT_BYTES, 0),
        "room_there": max([one.room_there for one in outcomes], default=0),
        "unfit_count": sum(one.unfit_count for one in outcomes),
        "missing": sum(one.missing for one in outcomes),
        "missing_there": sum(one.missing_there for one in outcomes),
        "not_sent": sum(one.not_sent for one in outcomes),
        "refused_here": sum(one.refused_here for one in outcomes),
        "refused_there": sum(one.refused_there for one in outcomes),
        "own_unheld": sum(one.unheld for one in outcomes),
        "waiting": [row for one in outcomes for row in _waiting(node, one)],
        "damaged": [path for one in outcomes for path in one.damaged],
        "damaged_count": sum(one.damaged_count for one in outcomes),
        "damaged_here": report.progress.damaged_here + sum(one.damaged_here for one in outcomes),
        "withheld": sum(one.withheld for one in outcomes),
        "refused": [
            {
                "hash": hash.hex(),
                "author": author.hex(),
                "author_name": member_name(node, author),
                "reason": reason,
                "by_peer": by_peer,
            }
            for hash, author, reason, by_peer in report.progress.refused
        ],
        "refused_count": report.progress.refused_count,
        "forks": [
            {"store": id_text(store_id), "author": author.hex(), "author_name": member_name(node, author)}
            for store_id, author in report.forks()
        ],
        "passed_over": [{"store": id_text(store_id), "why": words} for store_id, words in report.passed_over],
        "errors": [{"store": _label(node, store_id), "error": str(error)} for store_id, error in report.errors],
        "second_claims": second_claims(node),
        "double_claims": [claim for root in node.tree.roots() for claim in _double_claims(node, root)],
    }


def _waiting(node, one):
    """What waits on either side for a write that is not there, by author."""
    rows = []
    for here, waiting in ((True, one.waiting_here), (False, one.waiting_there)):
        for row in waiting_rows(node, waiting):
            rows.append({"store": id_text(one.store_id), "here": here, **row})
    return rows


def _double_claims(node, root):
    """Invites that let in more than one node, as long as more than one of them is a member."""
    found = []
    for claimed, keys in node.invites.double_claims(root):
        members = [
            {"id": key.hex(), "name": node.members.peer_name(key)} for key in keys if node.members.is_active(root, key)
        ]
        if len(members) > 1:
            found.append({"invite": claimed.id.hex(), "share": id_text(root.id), "claimed_by": members})
    return found


def _unfit(one):
    """What found no room; `there`: on the other side."""
    last = len(one.unfit) - one.unfit_there
    store = id_text(one.store_id)
    return [
        {"path": path, "size": size, "there": at >= last, "store": store} for at, (path, size) in enumerate(one.unfit)
    ]


def _label(node, store_id):
    handle = node.tree.get(store_id)
    return id_text(store_id) if handle is None else handle.label()
