"""The content half of a store's session: what this side pulls, and what the other says of its own pulling.

Content is pulled once the intentions that name it are durable; in a live session again and again.
"""


class Content:
    """`told`: we have said, or need not say, that our pulling is over. `heard`: the peer's last words, None before."""

    def __init__(self, peer, handle, frames, outcome):
        self.peer = peer
        self.handle = handle
        self.frames = frames
        self.outcome = outcome
        self.told = False
        self.heard = None
        self.awaited = False  # the peer pulls
        self.puller = None
        self._pulled_at = -1  # intentions durable when the last pull began

    def hear(self, body, frozen, holds_all):
        """Takes a Content message. `holds_all`: the peer holds all our intentions up to the sequence `frozen`."""
        if not body["done"]:
            self.awaited = True
            self.peer.progress.peer_wants(body["blobs"], body["bytes"])
            return
        self.heard = body
        self.awaited = False
        listed = [(item["path"], item["size"]) for item in body["unfit"]]
        if holds_all and body["missing"] == 0 and body["unfit_count"] <= len(listed):
            keys = [b"fs/" + path.encode() for path, _ in listed]
            self.handle.files.holdings.content_acknowledged(self.peer.key, frozen, keys)

    def hear_whole(self, frozen, holds_all):
        """The peer's Done said that it lacks nothing."""
        self.hear({"done": True, "missing": 0, "unfit": [], "unfit_count": 0}, frozen, holds_all)

    def pull(self, durable_count):
        """Begins and ends the pulling; `durable_count`: intentions of the peer that are durable here."""
        if self.puller is not None:
            if not self.puller.task.done:
                return
            self._end()
        if self._pulled_at < durable_count:
            self._pulled_at = durable_count
            if self.peer.lacks(self.handle):
                self._begin()
            else:
                self.told = True

    def _begin(self):
        self.puller = self.peer.pull(self.handle)
        count, size = self.puller.wanted.estimate()
        self.peer.progress.expect(count, size)
        self.frames.post({"content": {"blobs": count, "bytes": size}})

    def _end(self):
        puller = self.puller
        self.puller = None
        if puller.task.error is not None:
            raise puller.task.error
        self.outcome.missing = puller.wanted.missing
        self.outcome.unfit = puller.wanted.unfit
        self.outcome.unfit_count += puller.unfit_count()
        self.outcome.note_damaged(puller.damaged, puller.damaged_paths)
        self.told = True
        self.frames.post({"content": puller.report()})

    def conclude(self):
        """Adds what found no room at the peer."""
        if self.heard is not None:
            self.outcome.unfit_count += self.heard["unfit_count"]
            self.outcome.missing_there = self.heard["missing"]
            unfit = [(item["path"], item["size"]) for item in self.heard["unfit"]]
            self.outcome.unfit = self.outcome.unfit + unfit
            self.outcome.unfit_there = len(unfit)
            self.outcome.room_there = self.heard.get("room", 0)

    def close(self):
        if self.puller is not None:
            self.puller.cancel()
