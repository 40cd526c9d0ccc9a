"""The window, acknowledgements and the timer, without a link around them."""

from lattice_core.link.arq import Arq, Buffers
from lattice_core.link.link import Counters
from lattice_core.link.packet import ASK, DATA, WINDOW
from support import Rng


def in_flight(arq):
    return arq.sent - arq.acked


def make(reorder=0):
    return Arq(Buffers(64), reorder, Counters())


def send(arq, count, t=0):
    return [arq.push(1, DATA, t) for _ in range(count)]


def test_the_last_packet_of_a_window_asks_for_an_answer():
    arq = make()
    slots = send(arq, WINDOW)
    assert [arq.flags[slot] & ASK for slot in slots] == [0] * 7 + [ASK]
    assert in_flight(arq) == WINDOW


def test_cumulative_acknowledgement_frees_the_window():
    arq = make()
    send(arq, 5)
    arq.on_ack(3, 0, 10)
    assert (arq.acked, in_flight(arq), arq.lost_count) == (3, 2, 0)
    arq.on_ack(5, 0, 12)
    assert in_flight(arq) == 0
    assert arq.timer_at is None


def test_impossible_and_old_acknowledgements_change_nothing():
    arq = make()
    send(arq, 3)
    for ack in (4, 100, 65535):
        arq.on_ack(ack, 0xFF, 5)
        assert (arq.acked, arq.lost_count) == (0, 0)
    arq.on_ack(2, 0, 5)
    arq.on_ack(1, 0, 6)
    assert arq.acked == 2


def test_a_gap_is_sent_again_at_once_on_a_pipe_that_keeps_order():
    arq = make(reorder=0)
    send(arq, 4)
    arq.on_ack(1, 0b10, 5)  # 0 and 3 arrived, 1 and 2 did not
    assert arq.lost_count == 2
    assert [arq.number_of(arq.next_lost(6)), arq.number_of(arq.next_lost(6))] == [1, 2]
    assert arq.next_lost(6) == -1
    arq.on_ack(1, 0b10, 7)  # the same news again: nothing more is lost
    assert arq.lost_count == 0


def test_a_pipe_that_reorders_gets_three_packets_of_grace():
    arq = make(reorder=3)
    send(arq, 6)
    arq.on_ack(0, 0b1, 5)
    arq.on_ack(0, 0b11, 5)
    assert arq.lost_count == 0
    arq.on_ack(0, 0b1111, 6)  # number 4 arrived, sent four packets after number 0
    assert arq.lost_count == 1
    assert arq.number_of(arq.next_lost(6)) == 0


def test_a_packet_lost_twice_is_sent_a_third_time():
    arq = make()
    send(arq, 3)
    arq.on_ack(0, 0b1, 5)
    assert arq.next_lost(5) == 0
    arq.on_ack(0, 0b11, 6)  # 2 was sent before 0 was sent again: no news of 0
    assert arq.lost_count == 0
    send(arq, 1, 7)
    arq.on_ack(0, 0b111, 9)  # 3 was sent after: 0 was lost again
    assert arq.lost_count == 1


def test_the_timer_adapts_and_backs_off():
    arq = make()
    for number in range(20):
        send(arq, 1, number * 200)
        arq.on_ack(number + 1, 0, number * 200 + 150)
    assert 140 <= arq.rtt_ms <= 150
    assert 150 <= arq.rto_ms <= 300
    send(arq, 1, 10000)
    rto = arq.rto_ms
    assert arq.timer_at == 10000 + rto
    arq.on_time(arq.timer_at - 1)
    assert arq.lost_count == 0
    times = []
    for _ in range(6):
        now = arq.timer_at
        arq.on_time(now)
        assert arq.next_lost(now) == arq.number_of(0) & 7 or arq.lost_count == 0
        times.append(arq.timer_at - now)
    assert times == sorted(times)
    assert times[0] == 2 * rto
    assert times[-1] == 2000
    arq.on_ack(21, 0, now + 5)
    assert arq.timer_at is None
    assert arq.rto_ms == rto


def test_the_timer_never_falls_below_a_flash_erase():
    arq = make()
    for number in range(30):
        send(arq, 1, number)
        arq.on_ack(number + 1, 0, number)
    assert arq.rto_ms == 100


def test_holding_and_releasing_early_packets():
    arq = make()
    arq.hold(2, DATA, memoryview(b"two"))
    arq.hold(1, DATA, memoryview(b"one"))
    assert arq.sack == 0b11
    assert arq.ack_now
    arq.hold(2, DATA, memoryview(b"two"))
    assert arq.advance(DATA, 0)
    assert bytes(arq.held()[1]) == b"one"
    assert arq.advance(DATA, 0)
    assert bytes(arq.held()[1]) == b"two"
    assert not arq.advance(DATA, 0)
    assert arq.expected == 3
    assert arq.sack == 0


def test_when_an_acknowledgement_is_due():
    arq = make()
    arq.advance(DATA, 0)
    assert not arq.ack_due(19)
    assert arq.ack_due(20)
    arq.note_acked()
    for _ in range(4):
        arq.advance(DATA, 30)
    assert not arq.ack_due(30)
    arq.advance(DATA, 30)
    assert arq.ack_due(30)
    arq.note_acked()
    arq.advance(DATA | ASK, 40)
    assert arq.ack_due(40)


def test_numbers_wrap():
    sender, receiver = make(), make()
    sender.sent = sender.acked = receiver.expected = 65533
    rng = Rng(9)
    got = []
    for value in range(1000):
        slot = sender.push(1, DATA, value)
        seq = (sender.sent - 1) & 0xFFFF
        sender.slots[slot][6] = value & 255
        assert seq == receiver.expected
        receiver.advance(DATA, value)
        got.append(sender.slots[slot][6])
        if rng.below(3) == 0 or in_flight(sender) == WINDOW:
            sender.on_ack(receiver.expected, 0, value)
            assert in_flight(sender) == 0
    assert got == [value & 255 for value in range(1000)]


def test_any_acknowledgements_keep_the_window_sound():
    rng = Rng(10)
    arq = make()
    now = 0
    for _ in range(3000):
        now += rng.below(40)
        choice = rng.below(4)
        if choice == 0 and in_flight(arq) < WINDOW:
            arq.push(1, DATA, now)
        elif choice == 1:
            arq.on_ack(rng.below(65536) if rng.below(2) else (arq.acked + rng.below(9)) & 0xFFFF, rng.below(256), now)
        elif choice == 2:
            arq.on_time(now)
        else:
            arq.next_lost(now)
        assert 0 <= in_flight(arq) <= WINDOW
        assert arq.lost_count == sum([1 for slot in range(WINDOW) if arq._lost[slot]])
        assert in_flight(arq) or arq.timer_at is None
