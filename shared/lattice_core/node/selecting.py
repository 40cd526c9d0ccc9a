"""What somebody means who types a name or an id: of a member, an invite, a store.

A whole id always means that id, and so does the beginning of one: names are chosen by others, ids by nobody. So names
that look like ids are refused where they are chosen (`looks_like_id`), and never match first where they came from
elsewhere.
"""

from ..compat import const
from ..errors import UsageError

ID_DIGITS = const(8)  # as many as messages show: so many hexadecimal digits are taken for an id
_EITHER = const(4)  # so many may be meant as either: when they are both, one must choose
_SHOWN = const(8)  # candidates in a message
_DIGITS = "0123456789abcdef"


def digits_of(text):
    """The hexadecimal digits of a text that is nothing else but dashes, in lower case; "" for other texts."""
    digits = text.replace("-", "").lower()
    for character in digits:
        if character not in _DIGITS:
            return ""
    return digits


def looks_like_id(name):
    """True for a name that could be taken for the id of something."""
    return len(digits_of(name)) >= ID_DIGITS


def check_name(name, what):
    """UsageError for a name that could be taken for an id; returns it."""
    if looks_like_id(name):
        raise UsageError(
            "%s would be taken for an id: choose a name for the %s with other letters, too" % (name, what), "bad_name"
        )
    return name


def matching(selector, items, whole):
    """The items that a selector may mean: none, one, or several of which somebody must choose.

    `items`: a function that gives an iterator over (id in hex, name, item); `whole`: digits of a whole id.
    """
    digits = digits_of(selector)
    found = [item for number, _, item in items() if digits and number.startswith(digits)]
    if len(digits) == whole or (len(digits) >= ID_DIGITS and found):
        return found
    named = [item for number, name, item in items() if selector and name == selector]
    if _EITHER <= len(digits) < ID_DIGITS:
        return named + [item for item in found if item not in named]
    return named or found


def digits_apart(numbers):
    """How many digits of ids tell them apart, at least as many as messages show: ids that begin alike can be made."""
    digits = ID_DIGITS
    while len({number[:digits] for number in numbers}) < len(numbers) and digits < len(numbers[0]):
        digits += ID_DIGITS
    return digits


def listed(labels):
    """A few of the candidates for a message; how many more there are is said."""
    shown = []
    more = 0
    for label in labels:
        if len(shown) < _SHOWN:
            shown.append(label)
        else:
            more += 1
    return ", ".join(shown) + (" and %d more" % more if more else "")
