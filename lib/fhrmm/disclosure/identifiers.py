"""Patient identifiers and dates have no place in reports/: what looks like one is refused, without repeating it."""

from __future__ import annotations

import re
from collections.abc import Collection

from fhrmm.errors import StudyError
from fhrmm.store import DatasetInfo
from fhrmm.study import Study, load_study

_SYNTHETIC_ID = re.compile(r"\bSYN-[A-Z0-9]", re.IGNORECASE)
_ISO_DATE = re.compile(r"(?<![\d-])(?:19|20)\d\d-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])(?![\d-])")
_EUROPEAN_DATE = re.compile(r"(?<![\d./-])(?:0?[1-9]|[12]\d|3[01])([./-])(?:0?[1-9]|1[0-2])\1(?:19|20)\d\d(?![\d./-])")
_AMERICAN_DATE = re.compile(r"(?<![\d./-])(?:0?[1-9]|1[0-2])([./-])(?:0?[1-9]|[12]\d|3[01])\1(?:19|20)\d\d(?![\d./-])")
_DATES = (_ISO_DATE, _EUROPEAN_DATE, _AMERICAN_DATE)
_TAX_CODE = re.compile(r"\b[A-Z]{6}\d{2}[A-EHLMPR-T]\d{2}[A-Z]\d{3}[A-Z]\b", re.IGNORECASE)
_DATA_URI = re.compile(r"data:[a-z/+]+;base64,[A-Za-z0-9+/=]*")


class DisclosureError(StudyError):
    """Something that must not leave the center was about to be shown."""


def known_dates(study: Study, info: DatasetInfo) -> frozenset[str]:
    """Return the dates that are no patient's, as written: those of the plans of run and study, and of the dataset.

    Examples
    --------
    >>> from fhrmm.study import load_study
    >>> sorted(known_dates(load_study(), DatasetInfo()))
    ['2021-09-01', '2024-12-31']
    """
    text = "".join(model.model_dump_json() for model in (study, load_study(), info))
    return frozenset(match.group() for kind in _DATES for match in kind.finditer(text))


def refuse_identifiers(
    text: str, *, where: str, patient_ids: Collection[str] = (), allowed_dates: Collection[str] | None = ()
) -> None:
    """Raise if a text holds what looks like a patient identifier or a calendar date.

    Parameters
    ----------
    text : str
        HTML, CSV or a sentence about to be shown or written.
    where : str
        Named in the message.
    patient_ids : collection of str
        Known identifiers; only those with a letter and a digit, or of five characters or more, can be told from
        counts and are looked for.
    allowed_dates : collection of str
        Dates that are no patient's, as written, see `known_dates`; None lets every date pass.

    Raises
    ------
    DisclosureError
        Saying where, what kind and how many; never the value.

    Examples
    --------
    >>> refuse_identifiers("38 of 62 patients", where="text")
    >>> refuse_identifiers("seen on 2023-04-01", where="text")
    Traceback (most recent call last):
    ...
    fhrmm.disclosure.identifiers.DisclosureError: text: 1 value(s) look like a date; nothing was shown
    """
    plain = _DATA_URI.sub("", text)
    n_ids = len(_SYNTHETIC_ID.findall(plain)) + len(_TAX_CODE.findall(plain)) + _count_known(plain, patient_ids)
    if n_ids:
        raise DisclosureError(f"{where}: {n_ids} value(s) look like a patient identifier; nothing was shown")
    found = () if allowed_dates is None else (match for kind in _DATES for match in kind.finditer(plain))
    n_dates = len({match.span() for match in found if match.group() not in (allowed_dates or ())})
    if n_dates:
        raise DisclosureError(f"{where}: {n_dates} value(s) look like a date; nothing was shown")


def _count_known(text: str, patient_ids: Collection[str]) -> int:
    """Count known identifiers as whole words; one that is a short number cannot be told from a count."""
    telling = {
        name for name in patient_ids if len(name) >= 5 or (any(map(str.isdigit, name)) and any(map(str.isalpha, name)))
    }
    if not telling:
        return 0
    words = set(re.findall(r"[\w.\-/]+", text))
    words |= {word.strip("./-") for word in words}
    return len(telling & words) + sum(" " in name and name in text for name in telling)
