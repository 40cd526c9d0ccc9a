"""Group `invite`: invites into the shares, and to single stores that have members of their own."""

from ..node import invites
from ..node.stores import id_text
from .plain import hex_of
from .rows import named
from .service import Service, all_lists, chosen_list

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..node.replica import Replica


class InviteService(Service):
    READS = ("list",)

    def create(self, store: "str | None" = None, expires_s: int = 0, label: str = "") -> "dict[str, Any]":
        """Makes an invite for a share (None: the only one), or for one store that has members of its own: {`token`,
        `id`, `share`, `store`, `redeemable_at`, `expires_ms`, `label`}. `store`: None for a share. `expires_s`: in
        seconds since 1970, 0 for never. The label stays here. UsageError for a store that inherits its members."""
        node = self.node
        root = node.tree.find(store) if store else node.tree.find_root()
        node.invites.end_expired(self.now_ms())
        token = node.invites.create(root, self.now_ms(), None, expires_s, label)
        row = self._where(root)
        row.update(
            {
                "token": token.encode(node.crypto),
                "id": hex_of(token.invite_id(node.crypto)),
                "redeemable_at": invites.where_redeemable(token, node.members.peer_name),
                "expires_ms": expires_s * 1000 or None,
                "label": label,
            }
        )
        return row

    def list(self, store: "str | None" = None) -> "dict[str, Any]":
        """{`invites`: [...]}: invites made, when and by whom, and who used them, of one list of members or of all."""
        roots = [chosen_list(self.node, store)] if store else all_lists(self.node)
        return {"invites": [self._row(root, made) for root in roots for made in self.node.invites.list(root)]}

    def revoke(self, id: str, store: "str | None" = None) -> "dict[str, Any]":
        """Ends an invite that nobody has used, named by the beginning of its id: {`id`, `status`, `written`}."""
        root = chosen_list(self.node, store)
        found = self.node.invites.find(root, id)
        written = self.node.invites.revoke(root, id, self.now_ms())
        return {"id": hex_of(found.id), "status": "revoked", "written": written}

    def _row(self, root: "Replica", made) -> "dict[str, Any]":
        expires_s, label = invites.noted(root, made.id)
        maker = made.made_by
        now_ms = self.now_ms()
        is_over = 0 < expires_s * 1000 <= now_ms  # it is revoked with the next `create` or sync here
        row = self._where(root)
        row.update(
            {
                "id": hex_of(made.id),
                "status": invites.STATUS_NAMES.get(made.status, "status %d" % made.status),
                "redeemable": not is_over and self.node.invites.is_redeemable(root, made, now_ms),
                "made_ms": made.made_ms,
                "invited_by": [] if maker is None else [named(self.node, maker)],
                "claimed_by": [named(self.node, key) for key in made.claimed_by],
                "label": label,
                "expires_ms": expires_s * 1000 or None,
            }
        )
        return row

    def _where(self, replica: "Replica") -> "dict[str, Any]":
        return {
            "share": id_text(self.node.tree.root_of(replica).id),
            "store": None if replica.parent is None else id_text(replica.id),
        }
