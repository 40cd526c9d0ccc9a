"""Group `invite`: invites into the shares."""

from ..node import invites
from ..node.stores import id_text
from .plain import hex_of
from .rows import named
from .service import Service

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..node.replica import Replica


class InviteService(Service):
    READS = ("list",)

    def create(self, store: "str | None" = None, expires_s: int = 0, label: str = "") -> "dict[str, Any]":
        """Makes an invite for a share: {`token`, `id`, `share`, `redeemable_at`, `expires_ms`, `label`}. `expires_s`:
        in seconds since 1970, 0 for never. The label stays here."""
        node = self.node
        root = node.tree.find_root(store)
        node.invites.end_expired(self.now_ms())
        token = node.invites.create(root, self.now_ms(), None, expires_s, label)
        return {
            "token": token.encode(node.crypto),
            "id": hex_of(token.invite_id(node.crypto)),
            "share": id_text(root.id),
            "redeemable_at": invites.where_redeemable(token, node.members.peer_name),
            "expires_ms": expires_s * 1000 or None,
            "label": label,
        }

    def list(self, store: "str | None" = None) -> "dict[str, Any]":
        """{`invites`: [...]}: invites made, when and by whom, and who used them, of one share or of all."""
        roots = [self.node.tree.find_root(store)] if store else self.node.tree.roots()
        return {"invites": [self._row(root, made) for root in roots for made in self.node.invites.list(root)]}

    def revoke(self, id: str, store: "str | None" = None) -> "dict[str, Any]":
        """Ends an invite that nobody has used, named by the beginning of its id: {`id`, `status`, `written`}."""
        root = self.node.tree.find_root(store)
        found = self.node.invites.find(root, id)
        written = self.node.invites.revoke(root, id, self.now_ms())
        return {"id": hex_of(found.id), "status": "revoked", "written": written}

    def _row(self, root: "Replica", made) -> "dict[str, Any]":
        expires_s, label = invites.noted(root, made.id)
        maker = made.made_by
        now_ms = self.now_ms()
        is_over = 0 < expires_s * 1000 <= now_ms  # it is revoked with the next `create` or sync here
        return {
            "id": hex_of(made.id),
            "status": invites.STATUS_NAMES.get(made.status, "status %d" % made.status),
            "redeemable": not is_over and self.node.invites.is_redeemable(root, made, now_ms),
            "made_ms": made.made_ms,
            "invited_by": [] if maker is None else [named(self.node, maker)],
            "claimed_by": [named(self.node, key) for key in made.claimed_by],
            "label": label,
            "expires_ms": expires_s * 1000 or None,
            "share": id_text(root.id),
        }
