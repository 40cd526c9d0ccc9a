"""Two connections on one stick: what one of them sends, or fails in, is nothing to the other. The firmware's own loop
over storage in memory, on this interpreter; tests/emulator/two_transports_case.py has the stick's, on flash."""

from lattice_core.testing.memory import MemoryStorage
from support import two_transports


class StickStorage(MemoryStorage):
    """With what the loop asks of a stick's storage besides the contract."""

    hurt = must_roll_back = False

    def usage(self):
        return 1 << 20, self._used

    def idle(self):
        return False

    def note_end(self):
        pass

    def abandon_bodies(self):
        pass


def _open(transports):
    return two_transports.loop_on(StickStorage(), transports)


def test_two_computers_push_at_once():
    two_transports.both_arrive_at_once(_open)


def test_the_plug_of_one_is_pulled_in_the_middle():
    for after in (1500, 6000, 15000):
        two_transports.one_is_pulled_in_the_middle(_open, after)


def test_a_medium_that_fails_one():
    two_transports.a_flash_that_fails_one(_open)
