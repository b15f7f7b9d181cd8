"""What a header may stand for, with the evidence in words."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import cache

from intake.center import CenterFile
from intake.contract import variables
from intake.readers.headers import UNIT_BEHIND, match_header
from intake.values import comparison_key, find_unit, header_identifier, load_synonyms, tidy

NOT_OF_A_LINE = ("identity", "diagnosis", "visit", "event", "long")
UNITS_BEHIND = (
    UNIT_BEHIND,
    re.compile(r"(.*\S),\s+([^,]*[/%][^,]*)"),
    re.compile(r"(.*[^\s/])\s+((?:[a-zA-Z\u00b5\u03bc]+/\S+|%))"),
)
BY_NAME = "canonical name or label"
OF_A_LINE = ("first line", "second line", "outcome")
# What is of the second line by its plain name, and the same of the first; of diagnosis there is none in the contract.
OF_FIRST_LINE = {"best_response": "first_line_best_response", "progression_date": "first_progression_date",
                 "ecog_second_line": "at diagnosis", "emd_second_line": "at diagnosis"}  # fmt: skip
TWO = "names two things,"
TWO_THINGS = re.compile(r"\s+(?:o|or|oppure|e/o|and/or)\s+|\s*/\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Match:
    """What one header may stand for.

    Attributes
    ----------
    header : str
        As the file has it.
    column : str
        Canonical column; empty where there is no idea.
    how : str
        The evidence, in words.
    certain : bool
        False: a person has to confirm it.
    """

    header: str
    column: str
    how: str
    certain: bool


def match_headers(headers: list[str], table: str, filled: Sequence[int] = ()) -> list[Match]:
    """Say what each header may stand for in a table.

    Parameters
    ----------
    headers : list of str
        As the file has them.
    table : str
        Canonical table.
    filled : sequence of int, optional
        In how many rows each header has something: of two headers of one column that of more rows is taken.

    Returns
    -------
    list of Match
        One per header. Of several headers of one canonical column the one that is its name is certain, else none of
        what belongs to a line or is an outcome; neither is what may be of the first or of the second line.
    """
    matches = [_match(header, table) for header in headers]
    claims = Counter(match.column for match in matches if match.certain and match.column)
    named = Counter(match.column for match in matches if match.how == BY_NAME)
    has_first_line = any(variables(table)[name].group == "first line" for name in claims)
    taken: set[str] = set()
    for place in sorted(range(len(headers)), key=lambda place: -filled[place]) if filled else range(len(headers)):
        match, doubt = matches[place], ""
        if not match.certain or not match.column:
            continue
        if claims[match.column] > 1 and (match.how != BY_NAME or named[match.column] > 1):
            of_a_line = variables(table)[match.column].group in OF_A_LINE
            doubt = "another header has it" if of_a_line or named[match.column] == 1 or match.column in taken else ""
        elif has_first_line and match.column in OF_FIRST_LINE and not claims[OF_FIRST_LINE[match.column]]:
            words = _words(comparison_key(match.header))
            at_relapse = "progressione" in words and match.column != "progression_date"
            doubt = "" if at_relapse or "2" in re.findall(r"\d", " ".join(words)) else "of which line"
        if doubt:
            matches[place] = replace(match, how=f"{match.how}; {doubt}", certain=False)
        else:
            taken.add(match.column)
    return [Match(m.header, "", "", False) if not m.certain and m.column in taken else m for m in matches]


@cache  # each sheet is tried with several rows as its header, and as several tables
def _match(header: str, table: str) -> Match:
    if kind := header_identifier(header):
        return Match(header, "", f"refused: {kind.replace('_', ' ')}", True)
    if len(two := _dates_named(header, table)) > 1:
        return Match(header, "", f"{TWO} {' and '.join(two)}: which one, is told by another column", False)
    column, _ = match_header(header, CenterFile(path="x.csv", table=table))
    if column:
        return Match(header, column, BY_NAME, True)
    known, keys = _header_synonyms(table), _header_forms(header)
    for key in (key for key in keys[:3] if key in known):
        return Match(header, known[key], "usual name of this variable", True)
    words, said = _same_words(table), load_synonyms()["not_a_value"]
    for key in keys[:3]:
        if "/" not in key and (column := words.get(_words(key))):
            return Match(header, column, "usual name of this variable, in other words", True)
        for message, names in said.items():
            if set(re.findall(r"\w+", key)) & set(names):
                return Match(header, "", message, False)
    for key in (key for key in keys[3:] if key in known):  # its end alone may be of another line
        whole = variables(table)[known[key]].group in NOT_OF_A_LINE
        return Match(header, known[key], "usual name of this variable" if whole else f"its end is {key!r}", whole)
    # a likely name has the same digits: 'L3 start' is no '2L start'
    digits = [re.findall(r"\d", key) for key in (keys[0], keys[-1])]
    near = [name for name in get_close_matches(keys[-1], known, n=1, cutoff=0.84) if re.findall(r"\d", name) in digits]
    return Match(header, known[near[0]], f"looks like {near[0]!r}", False) if near else Match(header, "", "", False)


def _dates_named(header: str, table: str) -> list[str]:
    """Return the dates that the parts of a header name, such as 'date of last contact or death'."""
    known, words = _header_synonyms(table), _same_words(table)
    parts = [comparison_key(tidy(part)) for part in TWO_THINGS.split(header)]
    found = [known.get(part) or words.get(_words(part)) for part in parts] if len(parts) > 1 else []
    return list(dict.fromkeys(name for name in found if name and variables(table)[name].type == "date"))


def _words(key: str) -> frozenset[str]:
    """Return what a header says whatever its order: words without articles, ordinals as digits.

    Examples
    --------
    >>> _words("data di inizio della 2a linea") == _words("date of start of second line")
    True
    """
    same, skipped = load_synonyms()["words"]["same"], load_synonyms()["words"]["skipped"]
    return frozenset(same.get(word, word) for word in re.findall(r"[^\W_]+", key) if word not in skipped)


@cache
def _same_words(table: str) -> Mapping[frozenset[str], str]:
    """Return the usual names of a table by their words; those of one word, or of two variables, are left out.

    The name of a date says so or not; a header that says so is no other variable's.
    """
    found: dict[frozenset[str], set[str]] = {}
    for name, column in _header_synonyms(table).items():
        forms = {_words(name), _words(name) | ({"data"} if variables(table)[column].type == "date" else set())}
        for words in forms:
            found.setdefault(words, set()).add(column)
    return {words: min(columns) for words, columns in found.items() if len(words) > 1 and len(columns) == 1}


def _header_forms(header: str) -> list[str]:
    """Return the forms in which a header is looked up: whole, without its unit, its last part alone.

    Examples
    --------
    >>> _header_forms("FISH / t(4;14)")[-1], _header_forms("Albumina, g/dL")[1]
    ('t(4;14)', 'albumina')
    """
    text = tidy(header)
    without = next((found[1] for form in UNITS_BEHIND if (found := form.fullmatch(text))), text)
    parts = [text, without, re.sub(r"\s*[/,:]\s+|\s+/\s+", " ", text), re.split(r" / |: |, ", text)[-1]]
    parts.insert(3, re.split(r" / |: ", without)[-1])
    return [comparison_key(part) for part in parts]


def unit_behind(header: str, column: str) -> str | None:
    """Return the unit that stands behind a header without parentheses, where the column is met in it.

    Examples
    --------
    >>> unit_behind("Alb g/L", "albumin_g_dl"), unit_behind("Alb", "albumin_g_dl")
    ('g/L', None)
    """
    found = (form.fullmatch(tidy(header)) for form in UNITS_BEHIND[1:])
    return next((unit for match in found if match and (unit := find_unit(column, match[2]))), None)


@cache
def _header_synonyms(table: str) -> Mapping[str, str]:
    groups = load_synonyms()["headers"]
    shared = {} if table == "patients" else {name: groups["patients"][name] for name in ("patient_id", "center")}
    if table == "laboratory":
        shared |= {"assessment_date": groups["assessments"]["assessment_date"]}
    return {comparison_key(text): column for column, texts in (shared | groups[table]).items() for text in texts}
