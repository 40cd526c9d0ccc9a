"""Group `bundle`, with the reader of zip files that this interpreter has."""

from collections.abc import Callable

from lattice_core.api.apps import BundleService
from lattice_core.node.node import Node

from .. import bundle_zip


class HostBundleService(BundleService):
    def __init__(self, node: Node, now_ms: Callable[[], int]) -> None:
        super().__init__(node, now_ms, bundle_zip.read)
