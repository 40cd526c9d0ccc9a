"""What no other node is known to hold: lost with this one, until a sync has carried it away."""


class Unheld:
    """`intentions`: own writes; `files`: [(path, size)] and `bytes`: contents that are here."""

    def __init__(self):
        self.intentions = 0
        self.files = []
        self.bytes = 0


def find(node, handle):
    """The `Unheld` of a store. What others wrote counts as held by its author."""
    found = Unheld()
    known = [handle.holdings.holds_items(peer) for peer in handle.files.members_known()]
    held_up_to = max(known) if known else 0
    me = node.identity.public
    for _, _, author, _ in handle.store.witness_log(held_up_to):
        if author == me:
            found.intentions += 1
    for file in handle.files.list():
        for version in file.versions:
            if version.entry is not None and _is_unheld(handle, file, version, me, held_up_to):
                found.files.append((file.path, version.entry.size))
                found.bytes += version.entry.size
    return found


def _is_unheld(handle, file, version, me, held_up_to):
    if version.entry.inline is not None:
        return version.author == me and handle.store.witness_sequence(version.hash) > held_up_to
    return not handle.files.holders(file, version) and handle.files.contents.complete(version.entry)
