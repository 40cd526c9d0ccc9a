"""One open store, and what stands on it."""

from ..compat import const
from ..errors import UsageError
from ..files.content_index import ContentIndex
from ..files.contents import Contents
from ..machines import registry
from ..machines.projection import Projection
from ..machines.system import System
from ..model import ops
from ..model.ids import uuid_text
from ..storage.contract import TABLE_META
from ..text import printable
from ..weaver.weaver import Weaver
from .replication_state import ReplicationState

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..files.budget import Budget
    from ..files.files import Admits, Files
    from ..machines.kv_view import KvView
    from ..model.identity import Identity
    from ..model.intention import Intention
    from ..seams import Crypto
    from ..storage.contract import Storage

SHOWN = const(64)  # characters of a name in a message

_JOINED_AT = b"node/joined-at"  # the peer at which this store was joined, until it has told us that we are in


class Replica:
    """`id` (16), `type`, `parent` (id or None), `alias` (the name that the parent gives it), its weaver and what stands
    on it. `contents`: its blobs; `content`: which of them are wanted; `holdings`: which peer holds what."""

    def __init__(
        self,
        storage: "Storage",
        crypto: "Crypto",
        identity: "Identity",
        budget: "Budget",
        store_id: bytes,
        store_type: str,
        parent: "bytes | None",
        members: "Admits",
    ):
        self.id = store_id
        self.type = store_type
        self.parent = parent
        self.alias = ""
        self.uses = 0  # by whoever needs it open: see StoreTree.use
        self.used = 0  # when that was last, as the tree counts
        self.store = storage.store(store_id)
        self.weaver = Weaver(storage, self.store, crypto, identity, Projection(self.store, crypto, store_type))
        self.system = System(self.store, crypto)
        self.holdings = ReplicationState(self.store, crypto)
        self.contents = Contents(self.store, crypto)
        self.content = ContentIndex(self.store, crypto, self.contents, budget, identity.public)
        self._members = members

    @property
    def is_known(self) -> bool:
        """False for a store that is only carried: its type is unknown here."""
        return registry.is_known(self.type)

    @property
    def view(self) -> "Any":
        """What reads and writes the store, by its type (`machines.registry`)."""
        return registry.kind_of(self.type).view(self)

    @property
    def kv(self) -> "KvView":
        """Its rows as those of a key-value store, whatever its type; a log is not written in this way."""
        from ..machines.kv_view import KvView  # here: few commands need it

        return KvView(self)

    def view_as(self, store_type: str) -> "Any":
        """The view of a store that has this type; UsageError when it has another."""
        if self.type != store_type:
            raise UsageError(
                "%s is no %s store: its type is %s"
                % (self.label(), registry.short_name(store_type), printable(self.type, SHOWN)),
                "wrong_type",
            )
        return self.view

    @property
    def files(self) -> "Files":
        """Its files as commands read and write them; a stick only carries them."""
        from ..files.files import Files  # here: no stick writes files

        return Files(self.id, self, self.content, self.holdings, self._members)

    @property
    def name(self) -> str:
        """The store's own name, else the one that its parent knows it by; "" when it has none."""
        return self.system.name() or self.alias

    def label(self, digits: int = 8) -> str:
        """Name and the beginning of the id, as messages show a store."""
        short = uuid_text(self.id)[:digits]
        return "%s (%s)" % (printable(self.name, SHOWN), short) if self.name else short

    def write_system(self, operations: "list[dict]", now_ms: "int | None") -> "Intention":
        """One intention with these system operations, its deps chosen as the reference chooses them."""
        return self.weaver.submit(ops.system_batch(operations), self.system.deps_for(operations), now_ms)

    def rolled_back(self):
        """What is stored counts again."""
        self.weaver.reload()
        self.content.rolled_back()

    # -- the peer at which it was joined -------------------------------------------------------------------------------

    def joined_at(self) -> "bytes | None":
        """The peer at which the share was joined, while it is trusted for that alone; else None."""
        return self.store.row(TABLE_META, _JOINED_AT)

    def note_joined_at(self, key: "bytes | None"):
        if self.joined_at() != key:
            self.store.put_row(TABLE_META, _JOINED_AT, key)
