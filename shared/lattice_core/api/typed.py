"""Which store an operation means that is for one type of stores."""

from ..errors import UsageError
from ..machines import registry
from ..node import stores

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..node.node import Node
    from ..node.replica import Replica


def find(node: "Node", selector: "str | None", store_type: str) -> "Replica":
    """The store that a name or the beginning of an id means; without one the only store of the type. UsageError when
    there is none, are several, or it has another type."""
    if selector:
        replica = node.tree.find(selector)
        replica.view_as(store_type)
        return replica
    found = [replica for replica in node.tree.replicas if replica.type == store_type]
    if len(found) == 1:
        return found[0]
    short = registry.short_name(store_type)
    if found:
        raise UsageError("which %s store? --store with one of: %s" % (short, stores.labels(found)), "ambiguous")
    raise UsageError(
        "there is no %s store here yet: `store create NAME --type %s` makes one, `join TOKEN` brings some"
        % (short, short),
        "no_store",
    )
