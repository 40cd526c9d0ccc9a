"""One connection over `lattice-sync/1`: to a node of the reference, or to ours where only that is spoken.

Used like `NanoPeer`. Nothing but what the reference knows is ever sent: no content of files, no push.
"""

from ...errors import RefusedByPeer
from ..common import join
from ..common.peer import Peer
from ..common.syncing import synchronise
from . import server
from .messages import Messages
from .store_sync import StoreSync


class RefPeer(Peer):
    """Drives all streams of one connection, in both roles."""

    opens_all = False
    gathered_bytes = 0  # of what sessions on this connection have gathered (gathered.py)

    def sync(self, store_ids=None, live=False):
        """Synchronises the stores shared with this peer; the result is a `syncing.Report`. There is no live mode."""
        return self.start(synchronise(self, store_ids, False), "sync")

    def stop(self):
        """Nothing stays open here."""

    def join(self, token, again=False):
        """Joins the token's share at this peer and fetches it with its child stores; the result is a Report. `again`:
        also when the share is here already."""
        return self.start(self._join(token, again), "join")

    def _join(self, token, again):
        values = join.request(self.node, token, self.key, self.wall_ms(), again)  # refuses before a stream is opened
        messages = self.open()
        messages.post({"join_request": values})
        messages.finish()
        answer = yield from self.next_message(messages)
        if answer is None or "join_response" not in answer:
            raise RefusedByPeer(
                "the peer lets nobody in with this invite: it was used or revoked, or is not known there",
                "invite_revoked",
            )
        join.accepted(self.node, token, answer["join_response"], self.key, self.wall_ms())
        return (yield from synchronise(self, None, False))

    def open(self):
        return Messages(self.open_stream())

    def open_session(self, handle, live):
        """Starts to sync one store; returns (StoreSync, task)."""
        self.check_allowed(handle)
        session = StoreSync(self, handle)
        task = self.start(session.run(), "session")
        self.sessions.append((session, task))
        return session, task

    def _serve(self, stream):
        return server.serve(self, Messages(stream))
