"""What a strict parser says about one text, and how texts are compared."""

from __future__ import annotations

import unicodedata
from typing import NamedTuple

INVISIBLE = dict.fromkeys((0x00AD, 0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF))
SPACES = str.maketrans(dict.fromkeys("\u00a0\u2007\u2009\u202f\t\r\n", " "))
UNIFORM = str.maketrans("_-\u2010\u2011\u2012\u2013\u2014", " " * 7, ".'`\u2019\u00b4")
SIGNS = str.maketrans("\u2212\u2010\u2011\u2012\u2013\uff0c\u2264\u2265", "-----,\u2264\u2265")


class Parsed(NamedTuple):
    """One text, read.

    Attributes
    ----------
    value : object
        The typed value; None where it is missing or could not be read.
    text : str
        The value in canonical notation; empty where `value` is None.
    change : str
        Name of the rule that changed the text; empty where it was canonical already.
    problem : str
        Identifier of the rule that it breaks; empty where there is none.
    expected : str
        What was expected instead, where the variable alone does not say it.
    advice : str
        What to do, where the rule alone does not say it.
    """

    value: object
    text: str = ""
    change: str = ""
    problem: str = ""
    expected: str = ""
    advice: str = ""


MISSING = Parsed(None)
# What a cell reads as whose formula was written by a program that did not compute it.
NO_STORED_VALUE = "formula without a stored value"


def tidy(text: str) -> str:
    """Return text in composed Unicode form, without invisible characters and outer or doubled spaces.

    Examples
    --------
    >>> tidy("  si\\u0300\\u00a0") == "s\\u00ec"
    True
    """
    if text.isascii():
        return text.strip() if text.isprintable() and "  " not in text else " ".join(text.split())
    text = unicodedata.normalize("NFC", text).translate(INVISIBLE).translate(SPACES)
    return " ".join(text.split())


def comparison_key(text: str) -> str:
    """Return the form in which two spellings are the same: no case, accents, dots, apostrophes or doubled spaces.

    A text without any letter stays as it is: in numbers every sign counts.

    Examples
    --------
    >>> comparison_key("S\\u00ec") == comparison_key("si'")
    True
    >>> comparison_key("n.v."), comparison_key("-9.9")
    ('nv', '-9.9')
    """
    text = text.casefold()
    if not any(sign.isalpha() for sign in text):
        return text
    if not text.isascii():
        text = "".join(sign for sign in unicodedata.normalize("NFKD", text) if not unicodedata.combining(sign))
    return " ".join(text.translate(UNIFORM).split())
