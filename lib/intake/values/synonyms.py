"""The standard synonyms, and the reading of categories with them."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from fhrmm.schema import Variable
from intake.values.parsed import Parsed, comparison_key, tidy

RESPONSE_GROUP = "response"
JOINED = re.compile(r"\s*[/|,;()]\s*|\s+(?:or|o|oppure|-)\s+")
UNKNOWN, OTHER_SYSTEM = Parsed(None, problem="value_unknown"), Parsed(None, problem="other_staging_system")
DURIE_SALMON = re.compile(r"(?:i{1,3}|[123])\s?[ab]|d\s?s .*|durie.*")


@cache
def load_synonyms() -> dict:
    """Return `synonyms.toml`: missing codes, groups of canonical values, drugs.

    Examples
    --------
    >>> "nd" in load_synonyms()["missing"]["all"]
    True
    """
    path = Path(__file__).resolve().parents[1] / "synonyms.toml"
    return tomllib.loads(path.read_text(encoding="utf-8"))


@cache
def synonyms_of(variable: Variable) -> Mapping[str, str]:
    """Return comparison key -> canonical value of a category, its own levels included.

    Examples
    --------
    >>> from fhrmm.schema import variables
    >>> synonyms_of(variables("patients")["best_response"])["rcs"]
    'sCR'
    """
    table = load_synonyms()
    group = "yes_no" if variable.type == "yes_no" else table["columns"].get(variable.column, "")
    spellings = table["groups"].get(group, {})
    known = {comparison_key(text): level for level in variable.levels for text in spellings.get(level, ())}
    return known | {comparison_key(level): level for level in variable.levels}


@cache
def missing_keys(kind: str) -> frozenset[str]:
    """Return the comparison keys that mean missing in columns of one kind (`date`, `response`, any other)."""
    table = load_synonyms()
    return frozenset(comparison_key(text) for text in (*table["missing"]["all"], *table["missing_in"].get(kind, ())))


@cache
def zero_words() -> frozenset[str]:
    """Return the comparison keys of words that say of a monoclonal protein that there is none."""
    return frozenset(comparison_key(text) for text in load_synonyms()["zero"]["m_protein"])


def is_missing(text: str, kind: str = "") -> bool:
    """Tell whether a tidied text is one of the standard codes for missing, or joins several of them.

    Examples
    --------
    >>> is_missing("n.d."), is_missing("-"), is_missing("0"), is_missing("Unknown / not tested")
    (True, True, False, True)
    """
    if not text or text in load_synonyms()["missing"]["signs"] or comparison_key(text) in missing_keys(kind):
        return True
    parts = [comparison_key(part) for part in JOINED.split(text) if part]
    return len(parts) > 1 and all(part in missing_keys(kind) for part in parts)


def missing_kind(variable: Variable) -> str:
    """Return which further codes mean missing in this column."""
    if variable.type == "date":
        return "date"
    return RESPONSE_GROUP if load_synonyms()["columns"].get(variable.column) == RESPONSE_GROUP else ""


def parse_category(text: str, variable: Variable) -> Parsed:
    """Read one category or yes/no by the standard synonyms.

    Returns
    -------
    Parsed
        With one of the levels, or with problem `value_unknown`, or `other_staging_system` where a stage names
        another system than its column.

    Examples
    --------
    >>> from fhrmm.schema import variables
    >>> parse_category("RP", variables("patients")["best_response"])[:3]
    ('PR', 'PR', 'synonym')
    >>> parse_category("NE", variables("patients")["best_response"]).value
    'NE'
    """
    if text in variable.levels:
        return Parsed(text, text)
    key = comparison_key(text)
    known = synonyms_of(variable)
    if key in known:
        return Parsed(known[key], known[key], "synonym")
    if "iss" in variable.column:
        return _parse_stage(key, variable)
    return UNKNOWN


def read_mapped(text: str, mapping: Mapping[str, str]) -> str | None:
    """Return the canonical value that a center's own value mapping gives, or None.

    Examples
    --------
    >>> read_mapped("LENA", {"lena": "lenalidomide"})
    'lenalidomide'
    """
    if text in mapping:
        return mapping[text]
    wanted = comparison_key(text)
    return next((value for name, value in mapping.items() if comparison_key(tidy(name)) == wanted), None)


def _parse_stage(key: str, variable: Variable) -> Parsed:
    """Read a stage with its system before it; another system's stage is not this one."""
    own = variable.column.rsplit("_iss", 1)[0].split("_")[0] + "_iss" if "_iss" in variable.column else "iss"
    own = {"r_iss": "r_iss", "r2_iss": "r2_iss"}.get(own, "iss")
    for system, prefixes in load_synonyms()["stage_prefixes"].items():
        for prefix in prefixes:
            rest = key.removeprefix(prefix).strip()
            if rest != key and rest in synonyms_of(variable):
                value = synonyms_of(variable)[rest]
                return Parsed(value, value, "synonym") if system == own else OTHER_SYSTEM
    return OTHER_SYSTEM if DURIE_SALMON.fullmatch(key) else UNKNOWN
