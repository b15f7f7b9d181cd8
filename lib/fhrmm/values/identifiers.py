"""Direct identifiers in headers and cells. A finding says what kind, never what."""

from __future__ import annotations

import re

from fhrmm.values.parsed import comparison_key
from fhrmm.values.synonyms import load_synonyms

TAX_CODE = r"(?i)\b[a-z]{6}\s?[0-9lmnp-v]{2}\s?[abcdehlmprst]\s?[0-9lmnp-v]{2}\s?[a-z][0-9lmnp-v]{3}\s?[a-z]\b"
EMAIL = r"(?i)[a-z0-9._%+-]+@[a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z]{2,}"
PHONE = (
    r"(?i)(?:\+39|0039)[ ./-]?\d[\d ./-]{6,12}\d|\b3[1-9]\d[ ./-]?\d{3}[ ./-]?\d{3,4}\b|\b0\d{1,3}[ /-]\d{5,8}\b"
    r"|\b(?:tel|cell|telefono|cellulare|phone|mobile)\b[.: ]*\+?\d[\d ./-]{5,}"
)
FULL_DATE = r"(?:\d{1,2}[/.-]\d{1,2}[/.-](?:\d{4}|\d{2})|\d{4}[/.-]\d{1,2}[/.-]\d{1,2})"
BIRTH_DATE = (
    rf"(?i)\b(?:nat[oa](?:\s+il)?|data\s+(?:di\s+)?nascita|born(?:\s+on)?|dob|ddn|birth\s?date|date\s+of\s+birth|d\.n\.)"
    rf"[:\s]*{FULL_DATE}"
)
TITLE = r"(?:[Ss]ig(?:\.?ra|\.?na)?|[Dd]ott?(?:\.?ssa)?|[Mm]rs?|[Pp]rof|[Nn]ome|[Cc]ognome|[Ss]urname)"
TITLE_NAME = rf"\b{TITLE}[.:]?\s+\p{{Lu}}\p{{Ll}}+"
FIRST_NAMES = "|".join(load_synonyms()["identifiers"]["first_names"])
WORD = r"\p{Lu}[\p{L}'\x{2019}]+"
NAME_PAIR = rf"\b(?i:{FIRST_NAMES})\s+{WORD}|{WORD}[ ,]+(?i:(?:{FIRST_NAMES})\b)"
INITIALS_DATE = rf"\b(?:\p{{Lu}}\.?\s?){{2,3}}[,;/_-]?\s*{FULL_DATE}"

# Patterns in RE2 syntax (Arrow), by the kind that the finding names.
CELL_PATTERNS: dict[str, str] = {
    "identifier_tax_code": TAX_CODE,
    "identifier_email": EMAIL,
    "identifier_phone": PHONE,
    "identifier_birth_date": f"{BIRTH_DATE}|{INITIALS_DATE}",
    "identifier_name": f"{TITLE_NAME}|{NAME_PAIR}",
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
