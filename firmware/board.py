"""What the firmware asks of its machine: written for those who bring another one. Nothing here runs.

A port is a file in `ports/` with a Board. tests/support for it: `FakeBoard` and `FakeTransport` in
tests/core/support/fake_board.py do what is written here, in one process.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    from lattice_core.seams import Buffer, Crypto

    class Transport(Protocol):
        """One pipe to one computer, which loses, doubles and damages what it likes. Nothing here waits.

        `packet_bytes`: 0 for a stream of bytes (a serial line); else the most that one packet takes, which may grow
        while the transport is open (a radio agrees on it later). `closed`: why nothing moves any more, None until then.
        """

        packet_bytes: int
        closed: "str | None"

        def read_into(self, buffer: bytearray) -> int:
            """How many bytes had come and are now in `buffer`, 0 when none: any slice of a stream, or one packet."""
            ...

        def send(self, data: Buffer) -> int:
            """How many bytes of `data` were taken: of a stream any part, of a packet all or none."""
            ...

    class Ticks(Protocol):
        def now_ms(self) -> int:
            """Milliseconds since power came. Never goes back, never wraps."""
            ...

    class Board(Protocol):
        """`flash` is a block device for littlefs. When its power is gone, the next operation on it raises what ends
        the program; the firmware never asks. `transports`: those that are open now; a board adds and takes away as
        computers come and go, and the firmware serves `MOST_TRANSPORTS` of them at once."""

        crypto: Crypto
        flash: object
        clock: Ticks
        transports: "list[Transport]"

        def wait(self, timeout_ms: int, writing: "list[Transport]") -> None:
            """Until something has come on any transport, one of `writing` takes more, or the time is over."""
            ...

        def button_ms(self) -> int:
            """How long the button has been held down since power came, 0 when it is not."""
            ...

        def show(self, state: str) -> None:
            """The LED: "ready", "busy" or "error"."""
            ...

        def restart(self) -> None:
            """What a watchdog does: nothing that ran before can reach the flash any more."""
            ...

        def stopped(self, error: Exception) -> None:
            """The firmware cannot go on: the LED says so until the plug is pulled. May return: it is tried again."""
            ...
