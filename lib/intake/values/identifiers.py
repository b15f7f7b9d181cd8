"""Direct identifiers in headers and cells. A finding says what kind, never what."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from intake.values.dates import MONTH_NAMES
from intake.values.parsed import comparison_key
from intake.values.synonyms import load_synonyms

_SIGN = r"[\s.-]?"
TAX_CODE = (
    r"(?i)\b[a-z]{6}\s?[0-9lmnp-v]{2}\s?[abcdehlmprst]\s?[0-9lmnp-v]{2}\s?[a-z][0-9lmnp-v]{3}\s?[a-z]\b"
    rf"|\b[a-z]{{3}}{_SIGN}[a-z]{{3}}{_SIGN}\d\d{_SIGN}[abcdehlmprst]{_SIGN}\d\d{_SIGN}[a-z]{_SIGN}\d{{3}}{_SIGN}[a-z]\b"
)
EMAIL = r"(?i)[a-z0-9._%+-]+\s?(?:@|\(at\)|\[at\])\s?[a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z]{2,}"
PHONE = (
    r"(?i)(?:\+39|0039)[ ./-]?\d[\d ./-]{6,12}\d|\b3[1-9]\d[ ./-]?\d{3}[ ./-]?\d{3,4}\b|\b0\d{1,3}[ ./-]\d{5,8}\b"
    r"|\b0\d{8,10}\b|\(0\d{1,3}\)\s?\d{5,8}\b"
    r"|\b(?:tel|cell|telefono|cellulare|phone|mobile)\b[.: ]*\+?\d[\d ./-]{5,}"
)
MONTH_WORD = "(?:" + "|".join(sorted({name[:3] for names in MONTH_NAMES for name in names})) + r")[a-z]*\.?"
FULL_DATE = (
    r"(?:\d{1,2}[/.-]\d{1,2}[/.-](?:\d{4}|\d{2})|\d{4}[/.-]\d{1,2}[/.-]\d{1,2}|\d{8}"
    rf"|\d{{1,2}}[\x{{b0}}\x{{ba}}]?\s+{MONTH_WORD}\s+\d{{4}})"
)
# Of an adult: what stands beside initials or a weak word is a date of birth only where it is long ago.
LONG_AGO = (
    r"(?:(?:0?[1-9]|[12]\d|3[01])[/.-](?:0?[1-9]|1[0-2])[/.-](?:19\d\d|200[0-5]|[3-9]\d)\b"
    r"|(?:19\d\d|200[0-5])[/.-]\d{1,2}[/.-]\d{1,2})"
)
BIRTH_DATE = (
    r"(?i)\b(?:nat[oa]\b[^\d]{0,30}|data\s+(?:di\s+)?nascita|born(?:\s+on)?|dob|ddn|birth\s?date|date\s+of\s+birth|d\.n\.)"
    rf"[:\s]*{FULL_DATE}|(?:^|\s)(?:n\.|classe)\s*{LONG_AGO}"
)
TITLE = (
    r"(?:[Ss]ig(?:\.?ra|\.?na)?|[Ss]ignor(?:a|e|ina)?|[Dd]ott?(?:\.?ssa)?|[Dd]r(?:\.?ssa)?|[Mm]rs?|[Pp]rof(?:\.?ssa)?"
    "|[Nn]ome|[Cc]ognome|[Ss]urname)"
)
TITLE_NAME = rf"\b{TITLE}[.:]?\s+\p{{Lu}}[\p{{L}}'\x{{2019}}]*\p{{Ll}}{{2,}}"
FIRST_NAMES = "|".join(load_synonyms()["identifiers"]["first_names"])
SURNAMES = "|".join(load_synonyms()["identifiers"]["surnames"])
WORD = r"\p{Lu}[\p{L}'\x{2019}]+"
NAME_PAIR = rf"\b(?i:{FIRST_NAMES})\s+{WORD}|{WORD}[ ,]+(?i:(?:{FIRST_NAMES})\b)"
COMMON_PAIR = rf"(?i:\b(?:{FIRST_NAMES})\s+(?:{SURNAMES})\b|\b(?:{SURNAMES})[ ,]+(?:{FIRST_NAMES})\b)"
INITIALS_DATE = rf"\b(?:\p{{Lu}}\.?\s?){{2,3}}[,;/_-]?\s*{LONG_AGO}"

# Hospitals, towns and institutes are called after people: taken out of a text before it is searched for names again.
PLACES = "|".join(load_synonyms()["identifiers"]["places"])
INSTITUTIONS = "|".join(load_synonyms()["identifiers"]["institutions"])
PLACE_NAME = (
    rf"\b(?i:{PLACES})\b|\b(?i:san|santa|santo|sant|ss)\b[.'\x{{2019}}]?\s*{WORD}"
    rf"|\b(?i:{INSTITUTIONS})\b\.?(?:\s+(?:di|de|del|della|dei|of|{WORD}|[IVX]+\b)){{1,4}}"
)

# Patterns in RE2 syntax (Arrow), by the kind that the finding names.
CELL_PATTERNS: dict[str, str] = {
    "identifier_tax_code": TAX_CODE,
    "identifier_email": EMAIL,
    "identifier_phone": PHONE,
    "identifier_birth_date": f"{BIRTH_DATE}|{INITIALS_DATE}",
    "identifier_name": f"{TITLE_NAME}|{NAME_PAIR}|{COMMON_PAIR}",
}


def header_identifier(header: str) -> str:
    """Return the kind of identifier that a header announces, or an empty text.

    Examples
    --------
    >>> header_identifier("Codice Fiscale"), header_identifier("Data di nascita"), header_identifier("Sesso")
    ('identifier_tax_code', 'identifier_birth_date', '')
    """
    headers = load_synonyms()["identifiers"]["headers"]
    key = re.sub(r"\s*[(\[:].*$", "", comparison_key(header)).strip()
    return next((kind for kind, names in headers.items() if key in names), "")


def cell_identifiers(texts: pd.Index | Sequence[str]) -> dict[str, np.ndarray]:
    """Return the kinds of direct identifiers in distinct texts, each with the texts concerned as a boolean array.

    Examples
    --------
    >>> list(cell_identifiers(["KRd", "sig. Rossi", "a@b.it"]))
    ['identifier_email', 'identifier_name']
    """
    array = pa.array(texts, type=pa.string(), from_pandas=True)
    if len(array) == 0:
        return {}
    found = {kind: _matches(array, pattern) for kind, pattern in CELL_PATTERNS.items()}
    named = np.flatnonzero(found["identifier_name"])
    if len(named):
        without_places = pc.replace_substring_regex(array.take(pa.array(named)), PLACE_NAME, " ; ")
        found["identifier_name"][named] = _matches(without_places, CELL_PATTERNS["identifier_name"])
    return {kind: mask for kind, mask in found.items() if mask.any()}


def _matches(array: pa.Array, pattern: str) -> np.ndarray:
    return np.array(pc.fill_null(pc.match_substring_regex(array, pattern), False).to_numpy(zero_copy_only=False))
