"""Two connections on one stick, on flash, with the stick's interpreter and heap: see support/two_transports.py."""

import gc

from boards import fresh_board
from firmware import main
from support import two_transports


def _open(transports):
    gc.collect()
    return main.start(fresh_board(transports))


def test_two_computers_push_at_once():
    two_transports.both_arrive_at_once(_open)


def test_the_plug_of_one_is_pulled_in_the_middle():
    for after in (1500, 6000, 15000):
        two_transports.one_is_pulled_in_the_middle(_open, after)


def test_a_flash_that_fails_one():
    two_transports.a_flash_that_fails_one(_open)
