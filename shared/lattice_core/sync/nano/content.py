"""The content of a store's session: what this side pulls, and what the other says of its own pulling.

When it is pulled the session's states say (session_states.py); in a live session again and again.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ...node.replica import Replica
    from ..common.outcome import Outcome
    from .blobs import Puller
    from .message_stream import MessageStream
    from .peer import NanoPeer

_WHOLE = {"done": True, "missing": 0, "unfit": [], "unfit_count": 0}  # what a Done with `whole` says


class Content:
    """Adds to the outcome of a session what came of the pulling of both sides."""

    def __init__(self, peer: "NanoPeer", handle: "Replica", frames: "MessageStream", outcome: "Outcome"):
        self.peer = peer
        self.handle = handle
        self.frames = frames
        self.outcome = outcome
        self._puller: Puller | None = None
        self._last_words = None  # the peer's last Content with `done`

    # -- what the peer pulls -------------------------------------------------------------------------------------

    def hear_pulls(self, body: dict) -> None:
        """Takes a Content without `done`: what the peer is going to ask for."""
        self.peer.progress.peer_wants(body["blobs"], body["bytes"])

    def hear(self, body: "dict | None", frozen: int, holds_all: bool) -> None:
        """Takes a Content with `done`, None for a Done that says that nothing is lacking. `holds_all`: the peer holds
        all our intentions up to the sequence `frozen`."""
        body = body or _WHOLE
        self._last_words = body
        listed = [(item["path"], item["size"]) for item in body["unfit"]]
        if holds_all and body["missing"] == 0 and body["unfit_count"] <= len(listed):
            keys = [b"fs/" + path.encode() for path, _ in listed]
            self.peer.enter()
            self.handle.holdings.content_acknowledged(self.peer.key, frozen, keys)

    # -- what is pulled here -------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Begins to pull, and tells the peer how much."""
        self._puller = self.peer.pull(self.handle)
        count, size = self._puller.wanted.estimate()
        self.peer.progress.expect(count, size)
        self.frames.post({"content": {"blobs": count, "bytes": size}})

    def pulled(self) -> bool:
        """True when what was begun has ended, in whatever way."""
        return self._puller is not None and self._puller.task.done

    def end(self) -> None:
        """Tells the peer what came of it. Raises what ended the pulling early."""
        puller = self._puller
        self._puller = None
        if puller is None:
            return
        if puller.task.error is not None:
            raise puller.task.error
        self.outcome.missing = puller.wanted.missing
        self.outcome.unfit = puller.wanted.unfit
        self.outcome.unfit_count += puller.unfit_count()
        self.outcome.note_damaged(puller.damaged, puller.damaged_paths)
        self.frames.post({"content": puller.report()})

    # -- the end -------------------------------------------------------------------------------------------------

    def conclude(self) -> None:
        """Adds what found no room at the peer."""
        words = self._last_words
        if words is not None:
            self.outcome.unfit_count += words["unfit_count"]
            self.outcome.missing_there = words["missing"]
            unfit = [(item["path"], item["size"]) for item in words["unfit"]]
            self.outcome.unfit = self.outcome.unfit + unfit
            self.outcome.unfit_there = len(unfit)
            self.outcome.room_there = words.get("room", 0)

    def close(self) -> None:
        """Ends a pulling that runs."""
        if self._puller is not None:
            self._puller.cancel()
