"""What a group of operations is: a class whose public methods are its operations."""

from ..errors import UsageError
from ..node.stores import ROOT_TYPE, labels

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ..node.node import Node
    from ..node.replica import Replica


class Service:
    """Operations on `node`. `now_ms()` gives the wall time.

    A public method is an operation. It takes keyword arguments and returns a dict, both of values that JSON has. A
    generator function is a long operation: it yields events, and returns its dict. What it has written it has committed
    when it returns.
    """

    READS: "tuple[str, ...]" = ()  # operations that write nothing
    MAKES: "tuple[str, ...]" = ()  # operations that make the node where there is none

    def __init__(self, node: "Node", now_ms: "Callable[[], int]") -> None:
        self.node = node
        self.now_ms = now_ms

    def _store(self, selector: "str | None") -> "Replica":
        return chosen_store(self.node, selector)

    def _commit(self) -> None:
        self.node.journal.commit(self.now_ms())


def chosen_list(node: "Node", selector: "str | None") -> "Replica":
    """The store whose list of members counts for the one that a selector means; without one the only share."""
    return node.tree.list_of(node.tree.find(selector)) if selector else node.tree.find_root()


def all_lists(node: "Node") -> "list[Replica]":
    """Every store that has a list of members."""
    return [replica for root in node.tree.roots() for replica in node.members.lists_of(root)]


def chosen_store(node: "Node", selector: "str | None") -> "Replica":
    """The store that a selector means; without one the only data store there is."""
    if selector:
        return node.tree.find(selector)
    data_stores = [one for one in node.tree.replicas if one.parent is not None or one.type != ROOT_TYPE]
    if len(data_stores) == 1:
        return data_stores[0]
    if not data_stores:
        raise UsageError(
            "there is no store here yet: `store create NAME` makes one, `join TOKEN` brings some", "no_store"
        )
    raise UsageError("which store? --store with one of: %s" % labels(data_stores), "ambiguous")
