"""A share with members."""

from support.nodes import NOW_MS, join, make_node, meet, share


def members(count=3):
    """[(node, its handle of the root)] of a share, the founder first."""
    laptop, root, _ = share()
    nodes = [laptop]
    for number in range(2, count + 1):
        nodes.append(make_node(number, "n%d" % number))
        join(nodes[-1], laptop, laptop.invites.create(root, NOW_MS))
    for node in nodes[1:]:
        meet(laptop, node)
    return [(node, node.tree.get(root.id)) for node in nodes]


def write(node, root, operations, now_ms=NOW_MS):
    with node.journal.write(now_ms):
        root.write_system(operations, now_ms)
