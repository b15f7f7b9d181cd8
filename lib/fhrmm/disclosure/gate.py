"""The gate: a finished folder is read file by file for what must not be in it, whoever wrote it there."""

from __future__ import annotations

import base64
import html
import re
import zipfile
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from fhrmm.errors import StudyError

IDENTIFIER, DIRECT = "patient identifier", "direct identifier"
_TAX_CODE = re.compile(r"\b[A-Z]{6}\d{2}[A-EHLMPR-T]\d{2}[A-Z]\d{3}[A-Z]\b")
_ADDRESS = re.compile(r"@(?<=\w@)[\w-]+\.[a-z]{2,}\b")
_SYNTHETIC_ID = re.compile(r"SYN-[A-Z0-9]+-\d")
_PATH = re.compile(r"(?<![\w/.:>-])/(?:home|root|Users|tmp|mnt|srv|media|private)/\w|\b[A-Z]:\\\w|\\\\\w+\\\w")
_EMBEDDED = re.compile(r"data:(image/[a-z+]+);base64,([A-Za-z0-9+/=]*)")
_OUTLINES = re.compile(r' d="[^"]*"')  # of letters and lines: many numbers, no words
_DAY = r"(?<![\d./-])(\d{1,2})([./-])(\d{1,2})\2(\d{4})(?![\d./-])|(?<![\d-])(\d{4})-(\d{2})-(\d{2})(?!\d)"
_DATE = re.compile(_DAY)
# What a page shows is made by `fhrmm.report`, which begins its outputs so; all else was printed by a cell.
_OWN = r'style|aside class="(?:banner|notice)|figure class="fhrmm|div class="table-scroll"|p class="finding"'
_FOREIGN = re.compile(
    rf'<div class="html-output">\s*+(?!<(?:{_OWN}|ul class="findings"|section class="colophon"|details class="folded"))'
    r'|<pre class="text-output">|<details class="messages">|class="dataframe"'
    r'|"output_type": ?"(?:stream|execute_result|error)"'
)
_PACKED, _PIXELS = frozenset({".docx", ".xlsx"}), frozenset({".png", ".tiff", ".pdf"})


@dataclass(frozen=True, slots=True)
class Secrets:
    """What is looked for.

    Attributes
    ----------
    patient_ids : collection of str
        Identifiers as in ``work/``. One that is a short number cannot be told from a count.
    dates : collection of date
        Dates of patients.
    names : collection of str
        Folders of the run, the user, the machine, centers: found as they are.
    """

    patient_ids: Collection[str] = ()
    dates: Collection[date] = ()
    names: Collection[str] = ()


def search_text(text: str, secrets: Secrets, kinds: Collection[str] = ()) -> list[str]:
    r"""Return the kinds of what a text holds and must not, or those of them that are asked for; never the value.

    Examples
    --------
    >>> search_text("38 of 62 patients, see 10.1016/S1470-2045(16)30206-6", Secrets(["SYN-C01-001"]))
    []
    >>> search_text("seen on 4.5.2023, C:\\anna", Secrets(dates=[date(2023, 5, 4)]))
    ['date of a patient', 'absolute path']
    """
    checks = {
        IDENTIFIER: lambda: _holds_identifier(text, secrets.patient_ids),
        DIRECT: lambda: _TAX_CODE.search(text) or _ADDRESS.search(text),
        "date of a patient": lambda: secrets.dates and any(day in secrets.dates for day in _dates(text)),
        "absolute path": lambda: _PATH.search(text),
        "name of a folder, user, machine or center": lambda: any(
            name in text and re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text) for name in secrets.names
        ),
        "output that no function of fhrmm.report made": lambda: _FOREIGN.search(text),
    }
    return [kind for kind, is_there in checks.items() if (not kinds or kind in kinds) and is_there()]


def refuse_identifiers(text: str, where: str) -> None:
    """Raise `StudyError` if a text holds what looks like a patient identifier, without repeating it."""
    if search_text(text, Secrets(), (IDENTIFIER,)):
        raise StudyError(f"{where}: looks like a {IDENTIFIER}; nothing was shown")


def search_folder(folder: Path, secrets: Secrets, kinds: Collection[str] = ()) -> list[tuple[str, str]]:
    """Return file and kind of everything in a folder that must not be there, or of the kinds that are asked for."""
    found = []
    for path in sorted(file for file in folder.rglob("*") if file.is_file()):
        name = path.relative_to(folder).as_posix()
        told = dict.fromkeys(kind for text in (name, *_texts(path)) for kind in search_text(text, secrets, kinds))
        found += [(name, kind) for kind in told]
    return found


def _texts(path: Path) -> Iterator[str]:
    """Return what a file says, pictures in it and text alternatives included; pixels are not read, their SVG is."""
    if path.suffix in _PIXELS:
        return
    content = path.read_bytes()
    if path.suffix in _PACKED:
        with zipfile.ZipFile(path) as packed:
            parts = [packed.read(name).decode("utf-8", "replace") for name in packed.namelist() if ".xml" in name]
        # a word may be cut by its formatting
        yield from (text for part in parts for text in (part, re.sub(r"<[^>]+>", "", part)))
        return
    text = content.decode("utf-8", "replace")
    for kind, coded in _EMBEDDED.findall(text):
        if "svg" in kind:
            yield _OUTLINES.sub("", base64.b64decode(coded).decode("utf-8", "replace"))
    plain = _OUTLINES.sub("", _EMBEDDED.sub("", text)).replace("<wbr>", "")
    yield html.unescape(plain) if path.suffix in (".html", ".svg") else plain


def _holds_identifier(text: str, patient_ids: Collection[str]) -> bool:
    if _SYNTHETIC_ID.search(text):
        return True
    telling = {
        name for name in patient_ids if len(name) >= 5 or (any(map(str.isdigit, name)) and any(map(str.isalpha, name)))
    }
    if not telling:
        return False
    words = set(re.findall(r"[\w.\-/]+", text))
    words |= {part for word in words for part in (word.strip("./-"), *word.split("."), *word.split("/"))}
    return bool(telling & words) or any(" " in name and name in text for name in telling)


def _dates(text: str) -> Iterator[date]:
    """The days that a text may mean: a day and a month may stand in either order."""
    for first, _, second, year, iso_year, iso_month, iso_day in _DATE.findall(text):
        orders = [(iso_year, iso_month, iso_day)] if iso_year else [(year, second, first), (year, first, second)]
        for order in orders:
            try:
                yield date(*map(int, order))
            except ValueError:
                continue
