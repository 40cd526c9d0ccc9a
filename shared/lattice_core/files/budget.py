"""What the content of all stores of a node shares: the room that it may take, and how long it stays."""

from ..compat import const

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    from ..storage.contract import Storage

    class Commits(Protocol):
        """What content needs of the journal."""

        rollbacks: int

        def commit(self, now_ms: "int | None" = None) -> None: ...

        def rollback(self) -> None: ...


ROOM_KEPT_BYTES = const(65536)  # content leaves this much for intentions


class Budget:
    """`keep_ms`: how long content stays that no file names any more; 0: until the room is needed, as on a stick."""

    def __init__(self, storage: "Storage", journal: "Commits", keep_ms: int):
        self.storage = storage
        self.journal = journal
        self.keep_ms = keep_ms

    def is_short(self) -> bool:
        """True when a full medium may keep us from noting what is wanted."""
        return self.storage.room() < ROOM_KEPT_BYTES

    def room(self) -> int:
        """Bytes that content may take."""
        return max(self.storage.room() - ROOM_KEPT_BYTES, 0)
