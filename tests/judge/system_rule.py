"""What readers of the system table must say by docs/differences.md, from a `TableModel` of it: rows "Winner of a key",
"Who is a member", "What is left of an invite", "Rows that make no sense". Plain and slow on purpose: nothing of the
core's readers is used.
"""

from judge.cases import h
from lattice_core.errors import ProtocolError
from lattice_core.model.ids import uuid_text
from lattice_core.wire import messages

PEER_STATUS = {1: "Invited", 2: "Active", 3: "Dormant", 4: "Revoked"}
CHILD_STATUS = {1: "Active", 2: "Archived"}
INVITE_STATUS = {0: "Unknown", 1: "Valid", 2: "Revoked", 3: "Claimed"}


class SystemRule:
    """`weak`: rows whose winner the reference leaves to chance. What is `sure` the reference reads alike."""

    def __init__(self, model, weak):
        self.model = model
        self.weak = weak

    def value(self, key):
        return self.model.winner_value(key) if key in self.model.heads else None

    def ever(self, key):
        """All values that were ever written into a row."""
        return [value for (written, _), value in self.model.written.items() if written == key]

    # -- peers -------------------------------------------------------------------------------------------------------

    def peer_keys(self):
        return [h(stem[5:].decode()) for stem in self._stems(b"peer/") if len(stem) == 69]

    def _stems(self, start):
        rows = [key[: -len(b"/status")] for key in sorted(self.model.heads) if key.endswith(b"/status")]
        return [row for row in rows if row.startswith(start) and self.value(row + b"/status") is not None]

    def peer(self, key):
        """The fields of a peer, None when it is none."""
        row = peer_row(key, "status")
        if self.value(row) is None:
            return None
        return {"status": PEER_STATUS[self.status(key)], "name": text(self.value(peer_row(key, "name"))) or None}

    def status(self, key):
        """REVOKED once it ever was, until all that stands was written by others who are active themselves."""
        row = peer_row(key, "status")
        if self.was_revoked(key) and not self.let_in(key, ()):
            return messages.PEER_REVOKED
        return peer_status(self.value(row))

    def was_revoked(self, key):
        return messages.PEER_REVOKED in [peer_status(value) for value in self.ever(peer_row(key, "status"))]

    def let_in(self, key, above):
        row = peer_row(key, "status")
        for number in self.model.heads[row]:
            author = self.model.items[number].author
            if peer_status(self.model.value(row, number)) == messages.PEER_REVOKED:
                return False
            if author == key or author in above or not self.is_active(author, above + (key,)):
                return False
        return True

    def is_active(self, key, above):
        value = self.value(peer_row(key, "status"))
        if value is None or peer_status(value) != messages.PEER_ACTIVE:
            return False
        return not self.was_revoked(key) or self.let_in(key, above)

    def status_is_sure(self, key):
        row = peer_row(key, "status")
        return row not in self.weak and peer_status(self.value(row)) == self.status(key)

    # -- the others ----------------------------------------------------------------------------------------------------

    def children(self):
        found = []
        for key in sorted(self.model.heads):
            if key.startswith(b"child/") and key.endswith(b"/name") and self.value(key) is not None:
                stem = key[: -len(b"name")]
                status = self.value(stem + b"status")
                number = messages.CHILD_ACTIVE if status is None else int.from_bytes(status, "little")
                child = {"id": stem[6:-1].decode(), "alias": text(self.value(key)) or None}
                child["type"] = text(self.value(stem + b"type")) or None
                child["status"] = CHILD_STATUS.get(number, "Unknown")
                found.append(child)
        return found

    def strategy(self):
        value = self.value(b"strategy")
        if value is None:
            return None
        values = messages.PeerStrategy.decode(value)
        if values.get("inherited"):
            return "Inherited"
        snapshot = values.get("snapshot", b"")
        return "Snapshot(%s)" % uuid_text(snapshot) if len(snapshot) == 16 else "Independent"

    def name(self):
        value = self.value(b"name")
        return None if value is None else messages.SetStoreName.decode(value)["name"] or None

    def invite(self, invite_id):
        """The fields of an invite, None when there is none."""
        stem = b"invite/" + invite_id.hex().encode() + b"/"
        if self.value(stem + b"status") is None:
            return None
        return {
            "status": INVITE_STATUS[self.invite_status(stem)],
            "invited_by": key_in(self.value(stem + b"invited_by")),
            "claimed_by": key_in(self.value(stem + b"claimed_by")),
        }

    def invite_status(self, stem):
        """What was ever claimed or revoked is never valid again: claimed when it was both."""
        status = invite_status(self.value(stem + b"status"))
        ever = [invite_status(value) for value in self.ever(stem + b"status")]
        for final in (messages.INVITE_CLAIMED, messages.INVITE_REVOKED):
            if final in ever:
                return final
        return status

    def invite_is_sure(self, invite_id):
        row = b"invite/" + invite_id.hex().encode() + b"/status"
        return row not in self.weak and invite_status(self.value(row)) == self.invite_status(row[: -len(b"status")])


def peer_row(key, part):
    return b"peer/" + key.hex().encode() + b"/" + part.encode()


def peer_status(value):
    number = decoded(messages.SetPeerStatus, value)["status"]
    return number if number in PEER_STATUS else messages.PEER_INVITED


def invite_status(value):
    number = decoded(messages.SetInviteStatus, value)["status"]
    return number if number in INVITE_STATUS else messages.INVITE_VALID


def key_in(value):
    """The public key of a row, in hex."""
    if value is None:
        return None
    message = messages.SetInviteInvitedBy  # the other one has the same shape
    key = decoded(message, value)["inviter_pubkey"]
    return key.hex() if len(key) == 32 else None


def decoded(message, value):
    try:
        return message.decode(value)
    except ProtocolError as error:
        raise AssertionError("the model holds what does not decode: %s" % error) from error


def text(value):
    return "" if value is None else value.decode()
