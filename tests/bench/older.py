"""Names of the core as this revision and older ones have them: `make bench-against` measures both with these programs.

Only what a benchmark needs of an older revision stands here; what changed its name more than once has its newest first.
"""

from importlib import import_module


def first_of(*places):
    """The first of "module:name" that there is."""
    for place in places:
        module, name = place.split(":")
        try:
            return getattr(import_module(module), name)
        except (ImportError, AttributeError):
            continue
    raise ImportError("none of " + ", ".join(places))


def commit(node, now_ms):
    """Commits what is open, by whatever owns the transaction."""
    getattr(node, "journal", node).commit(now_ms)


def replica_of(node, store_id):
    return getattr(node, "tree", node).get(store_id)
