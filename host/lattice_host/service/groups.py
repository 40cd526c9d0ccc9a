"""The groups of operations, and how a name finds one."""

import inspect
from collections.abc import Callable
from typing import Any

from lattice_core.api.apps import AppService
from lattice_core.api.invites import InviteService
from lattice_core.api.kv import KvService
from lattice_core.api.log import LogService
from lattice_core.api.peers import PeerService
from lattice_core.errors import UsageError

from ..clock import now_ms
from ..datadir import DataDir
from .backend import Result, Stream
from .bundles import HostBundleService
from .files import FileService
from .host_service import HostService
from .identities import DirectoryService, IdentityService
from .local import OpenNode
from .nodes import NodeService
from .sticks import StickService
from .stores import HostStoreService
from .syncing import SyncService

GROUPS: dict[str, Any] = {
    "app": AppService,
    "bundle": HostBundleService,
    "file": FileService,
    "identity": IdentityService,
    "invite": InviteService,
    "kv": KvService,
    "log": LogService,
    "node": NodeService,
    "peer": PeerService,
    "stick": StickService,
    "store": HostStoreService,
    "sync": SyncService,
}


class Operation:
    """One operation: the class of its group, and the name of the method. UsageError when there is none."""

    def __init__(self, name: str) -> None:
        group, _, self.method = name.partition(".")
        kind = GROUPS.get(group)
        if kind is None or self.method.startswith("_") or not inspect.isfunction(getattr(kind, self.method, None)):
            raise UsageError("there is no operation %s" % name, "usage")
        self.name = name
        self.kind = kind

    @property
    def reads(self) -> bool:
        """True when it writes nothing."""
        return self.method in getattr(self.kind, "READS", ())

    @property
    def makes(self) -> bool:
        """True when it makes a node where there is none."""
        return self.method in getattr(self.kind, "MAKES", ())

    @property
    def opens(self) -> bool:
        """True when it opens the node itself: it gets the data directory."""
        return issubclass(self.kind, DirectoryService)

    def check(self, arguments: dict[str, Any]) -> None:
        """UsageError when these are not its arguments."""
        try:
            inspect.signature(getattr(self.kind, self.method)).bind(None, **arguments)
        except TypeError as error:
            raise UsageError("%s: %s" % (self.name, error), "usage") from None

    def run_in(self, directory: DataDir, notify: Callable[[str], None], arguments: dict[str, Any]) -> Result | Stream:
        """As `run`, of one that opens the node itself."""
        return getattr(self.kind(directory, notify), self.method)(**arguments)

    def run(self, on: OpenNode, arguments: dict[str, Any]) -> Result | Stream:
        """Its result; of a long one the generator that yields events and returns it."""
        service = self.kind(on if issubclass(self.kind, HostService) else on.node, now_ms)
        return getattr(service, self.method)(**arguments)
