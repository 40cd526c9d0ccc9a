"""`core:rootstore`: which apps a share offers, and their bundles (docs/reference/03-state-machines.md §5).

Every stick opens a root store, and most never see an app: what applies one is loaded with the first.
"""

from .registry import Kind

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .change import Change
    from .registry import Viewable
    from .root_view import RootView


class RootMachine:
    """Applies `app_data` of a root store, see `root_apply.py`. Events: ("root", store id, row key, deleted), and those
    of `KvMachine` for old payloads."""

    _applier = None

    def apply(self, change: "Change", start: int, end: int) -> None:
        """Applies the payload at [start, end)."""
        if self._applier is None:
            from .root_apply import RootApplier

            self._applier = RootApplier()
        self._applier.apply(change, start, end)


def _view(replica: "Viewable") -> "RootView":
    from .root_view import RootView  # here: no stick needs it

    return RootView(replica)


KIND = Kind(RootMachine, _view, None)
