"""How a command ends: the exit statuses, and the errors that mean one of them."""

from lattice_core.errors import LatticeError, UsageError

DONE = 0
FAILED = 1  # nothing, or not what was asked for, was done
WRONG_USAGE = 2  # the command line itself is wrong, whatever this node holds
DONE_IN_PART = 3  # something was done and something was left out; both were said
INTERRUPTED = 130
READER_GONE = 141  # who reads our output has ended, as in `| head`: what a shell shows for SIGPIPE


class PartlyDone(LatticeError):
    """What could be done is done and was printed; the text says what was left. Ends the command with DONE_IN_PART."""

    code = "done_in_part"


class WrongUsage(UsageError):
    """An argument that nothing could fit: no hex, an empty name, two of what there can be one of."""

    code = "usage"


def status_of(error):
    if isinstance(error, PartlyDone):
        return DONE_IN_PART
    return WRONG_USAGE if error.code == WrongUsage.code else FAILED
