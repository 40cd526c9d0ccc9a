"""The stick's own state: fresh and owned, owners, clock, last error, reset."""

from lattice_core.errors import Refused, StorageError, UsageError
from lattice_core.node import device as devices
from lattice_core.testing.memory import MemoryStorage
from support import crypto, raises

OWNER = b"o" * 32
FRIEND = b"f" * 32
MEMBER = b"m" * 32
SHARE = b"s" * 16
HOUR_MS = 3600000
NOW_MS = 1800000000000


def owned():
    storage = MemoryStorage()
    device = devices.Device(storage)
    device.setup(OWNER, "blue stick", SHARE)
    storage.commit()
    return storage, device


def test_identity_is_durable_before_it_is_given():
    storage = MemoryStorage()
    first = devices.load_identity(storage, crypto())
    assert devices.load_identity(storage.reopened(), crypto()).public == first.public
    storage = MemoryStorage()
    storage.put_record(b"identity", b"short")
    raises(StorageError, devices.load_identity, storage, crypto())


def test_setup_is_one_step_and_only_once():
    storage, _device = owned()
    again = devices.Device(storage.reopened())
    assert (again.state, again.owners, again.name, again.store_id) == (devices.OWNED, [OWNER], "blue stick", SHARE)
    raises(Refused, again.setup, FRIEND, "mine", SHARE)
    assert again.owners == [OWNER]


def test_power_lost_in_setup_leaves_it_fresh():
    storage = MemoryStorage()
    device = devices.Device(storage)
    assert device.state == devices.FRESH
    device.setup(OWNER, "stick", SHARE)
    assert devices.Device(storage.reopened()).state == devices.FRESH


def test_an_owner_whose_record_was_rolled_back_is_none():
    storage, device = owned()
    device.add_owner(OWNER, FRIEND)
    assert device.is_owner(FRIEND)
    storage.rollback()
    assert device.owners == [OWNER]
    assert not device.is_owner(FRIEND)


def test_names_have_limits():
    device = devices.Device(MemoryStorage())
    for name in ("", "x" * 64, "ü" * 32):
        raises(UsageError, device.setup, OWNER, name, SHARE)
    assert device.state == devices.FRESH
    device.setup(OWNER, "ü" * 31, SHARE)
    assert device.name == "ü" * 31


def test_owners_are_added_and_replaced_by_owners_only():
    storage, device = owned()
    raises(Refused, device.add_owner, FRIEND, FRIEND)
    raises(Refused, device.transfer_owner, FRIEND, FRIEND)
    raises(Refused, device.rename, FRIEND, "hers")
    device.add_owner(OWNER, FRIEND)
    device.add_owner(OWNER, FRIEND)
    assert device.owners == [OWNER, FRIEND]
    device.transfer_owner(OWNER, MEMBER)
    assert not device.is_owner(OWNER)
    assert device.is_owner(MEMBER)
    assert device.is_owner(FRIEND)
    raises(Refused, device.add_owner, OWNER, OWNER)
    raises(UsageError, device.add_owner, MEMBER, b"short")
    device.add_owner(MEMBER, b"1" * 32)
    device.add_owner(MEMBER, b"2" * 32)
    raises(Refused, device.add_owner, MEMBER, b"3" * 32)
    device.rename(FRIEND, "red")
    storage.commit()
    again = devices.Device(storage.reopened())
    assert (len(again.owners), again.name, again.store_id) == (4, "red", SHARE)


def test_damaged_owner_record():
    storage, _ = owned()
    record = storage.record(b"device")
    for bad in (record[:20], b"\x09" + record[1:], bytes((1, 0)) + record[2:], bytes((1, 9)) + record[2:]):
        storage.put_record(b"device", bad)
        raises(StorageError, devices.Device, storage)


def test_clock_comes_from_the_owner_first():
    _, device = owned()
    assert device.now_ms(500) is None
    assert not device.set_clock(MEMBER, True, NOW_MS, 1000)
    assert device.set_clock(OWNER, True, NOW_MS, 1000)
    assert device.now_ms(1250) == NOW_MS + 250
    assert device.set_clock(OWNER, True, NOW_MS - 5, 1300)  # an owner may also set it back
    assert device.now_ms(1300) == NOW_MS - 5


def test_members_move_the_clock_forward_by_an_hour_and_by_the_sticks_own_time():
    storage, device = owned()
    device.set_clock(OWNER, True, NOW_MS, 0)
    assert not device.set_clock(MEMBER, False, NOW_MS + 1000, 0)  # a stranger
    assert not device.set_clock(MEMBER, True, NOW_MS - 1000, 0)  # backwards
    assert device.set_clock(MEMBER, True, NOW_MS + 10 * HOUR_MS, 0)
    assert device.now_ms(0) == NOW_MS + HOUR_MS
    assert not device.set_clock(MEMBER, True, NOW_MS + 10 * HOUR_MS, 0)
    # What the stick has run they may add once more, and no session or restart gives more.
    storage.commit()
    device = devices.Device(storage.reopened())
    assert device.now_ms(0) == NOW_MS + HOUR_MS
    assert not device.set_clock(MEMBER, True, NOW_MS + 10 * HOUR_MS, 0)
    assert device.set_clock(MEMBER, True, NOW_MS + 10 * HOUR_MS, 60000)
    assert device.now_ms(60000) == NOW_MS + HOUR_MS + 2 * 60000
    assert not device.set_clock(FRIEND, True, NOW_MS + 10 * HOUR_MS, 60000)
    assert device.set_clock(FRIEND, True, NOW_MS + 100 * HOUR_MS, 60000 + 50 * HOUR_MS)
    assert device.now_ms(60000 + 50 * HOUR_MS) == NOW_MS + (1 + 50 + 1) * HOUR_MS + 2 * 60000
    # An owner's word counts as it is, and from there they may do so again.
    assert device.set_clock(OWNER, True, NOW_MS + 20, 60000 + 50 * HOUR_MS)
    assert device.set_clock(MEMBER, True, NOW_MS + 10 * HOUR_MS, 60000 + 50 * HOUR_MS)
    assert device.now_ms(60000 + 50 * HOUR_MS) == NOW_MS + 20 + HOUR_MS


def test_pulling_the_plug_gives_members_no_time():
    storage, device = owned()
    device.set_clock(OWNER, True, NOW_MS, 0)
    for _ in range(20):
        device.set_clock(MEMBER, True, NOW_MS + 100 * HOUR_MS, 1000)
        storage.commit()
        storage = storage.reopened()
        device = devices.Device(storage)
    assert device.now_ms(0) <= NOW_MS + HOUR_MS + 20 * 2000
    # Time that was not stored is lost with the plug, and what could have been added for it.
    ran = device.now_ms(0)
    for minute in range(25):
        device.keep_clock(minute * 60000)
    storage.commit()
    again = devices.Device(storage.reopened())
    assert ran + 20 * 60000 <= again.now_ms(0) <= ran + 25 * 60000
    assert again.set_clock(MEMBER, True, NOW_MS + 100 * HOUR_MS, 0)
    assert again.now_ms(0) <= ran + 50 * 60000


def test_an_impossible_time_is_refused():
    storage, device = owned()
    for wall_ms in (0, devices.EARLIEST_MS - 1, devices.LATEST_MS + 1, 2**63, 2**64 - 1):
        raises(Refused, device.set_clock, OWNER, True, wall_ms, 0)
    assert device.now_ms(0) is None
    device.keep_clock(700000)
    for wall_ms in (devices.LATEST_MS, devices.EARLIEST_MS):
        assert device.set_clock(OWNER, True, wall_ms, 0)
        device.keep_clock(700000)
        storage.commit()
        assert devices.Device(storage.reopened()).now_ms(0) is not None or wall_ms == devices.LATEST_MS
    storage.put_record(b"clock", b"\xff" * 8)
    assert devices.Device(storage).now_ms(0) is None


def test_a_rollback_does_not_stop_the_clock():
    storage, device = owned()
    device.set_clock(OWNER, True, NOW_MS, 1000)
    storage.commit()
    device.keep_clock(1000 + 600000)
    storage.rollback()
    device.reload()
    assert device.now_ms(2000 + 600000) == NOW_MS + 601000
    device.keep_clock(2000 + 600000)  # what the rollback took back is stored again
    storage.commit()
    assert devices.Device(storage.reopened()).now_ms(0) == NOW_MS + 601000


def test_a_rollback_of_the_first_time_leaves_a_clock_that_is_stored_later():
    storage, device = owned()
    device.set_clock(OWNER, True, NOW_MS, 0)
    device.add_owner(OWNER, FRIEND)
    storage.rollback()
    device.reload()
    assert device.owners == [OWNER]
    assert device.now_ms(5) == NOW_MS + 5
    device.keep_clock(10)
    storage.commit()
    assert devices.Device(storage.reopened()).now_ms(0) == NOW_MS + 10


def test_clock_goes_on_after_a_restart():
    storage, device = owned()
    device.set_clock(OWNER, True, NOW_MS, 7000)
    device.keep_clock(8000)
    storage.commit()
    device.keep_clock(7000 + 600000)
    storage.commit()
    again = devices.Device(storage.reopened())
    assert again.now_ms(3) == NOW_MS + 600000
    assert again.now_ms(10) == NOW_MS + 600007


def test_last_error_is_kept_and_cut_between_characters():
    storage, device = owned()
    assert device.last_error() == ""
    device.note_error("ü" * 150)
    storage.commit()
    assert devices.Device(storage.reopened()).last_error() == "ü" * 100
    device.note_error("flash block 12 failed")
    assert device.last_error() == "flash block 12 failed"
    device.clear_error()
    assert device.last_error() == ""


class Connected:
    """A connection with so much under way."""

    def __init__(self, under_way):
        self.under_way = under_way


def test_safe_to_unplug_only_when_all_is_stored():
    storage, device = owned()
    assert device.safe_to_unplug()
    device.note_error("x")
    assert not device.safe_to_unplug()
    storage.commit()
    busy, idle = Connected(1), Connected(0)
    device.peers += [idle, busy]
    assert device.transfers == 1
    assert not device.safe_to_unplug()
    device.peers.remove(busy)
    assert device.safe_to_unplug()


def test_factory_reset_destroys_identity_and_owner():
    storage, _device = owned()
    before = devices.load_identity(storage, crypto()).public
    devices.factory_reset(storage)
    storage = storage.reopened()
    assert devices.Device(storage).state == devices.FRESH
    assert devices.load_identity(storage, crypto()).public != before
