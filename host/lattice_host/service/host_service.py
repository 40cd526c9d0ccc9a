"""What a group of operations is that needs more than the node: its data directory, what people are told."""

from collections.abc import Callable

from lattice_core.api.service import Service

from .local import OpenNode


class HostService(Service):
    """Operations on `on`, the open node."""

    def __init__(self, on: OpenNode, now_ms: Callable[[], int]) -> None:
        super().__init__(on.node, now_ms)
        self.on = on
