"""From a regimen as a center writes it to a set of drugs with a standard name."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from dataclasses import dataclass, field
from functools import cache, lru_cache
from pathlib import Path

DARATUMUMAB, DEXAMETHASONE, LENALIDOMIDE, CARFILZOMIB = "daratumumab", "dexamethasone", "lenalidomide", "carfilzomib"
STEROIDS = frozenset({DEXAMETHASONE, "prednisone"})
_CONDITIONING = re.compile(r"\b(?:hd ?mel|mel|melphalan|melfalan|alkeran)[ -]?(?:100|140|200)\b|\bhdm\b")


@dataclass(frozen=True, slots=True)
class Regimen:
    """A regimen.

    Attributes
    ----------
    drugs : frozenset of str
        International nonproprietary names; empty where the regimen was not recognized.
    standard : str
        Standard name (`D-VTd`, `KRd`, ...); its drugs where the set has none; as written where it was not recognized.
    recognized : bool
        Every part of the text was understood.
    """

    drugs: frozenset[str]
    standard: str
    recognized: bool

    def contains_class(self, name: str) -> bool:
        """Say whether a drug of that class is in the regimen (`anti-CD38 antibody`, ...)."""
        return any(drug_classes()[drug] == name for drug in self.drugs)

    @property
    def is_daratumumab_quadruplet(self) -> bool:
        """Daratumumab with at least three further drugs, one of them a steroid."""
        return DARATUMUMAB in self.drugs and len(self.drugs) >= 4 and bool(self.drugs & STEROIDS)


@dataclass(frozen=True)
class _Catalog:
    words: dict[str, frozenset[str]]
    prefixes: dict[str, frozenset[str]]
    letters: dict[str, frozenset[str]]
    ignored: frozenset[str]
    names: dict[frozenset[str], str]
    classes: dict[str, str]
    steroid_blocks: frozenset[str] = field(default_factory=frozenset)


def parse_regimen(text: object) -> Regimen:
    """Recognize a regimen written in any of the usual ways.

    Case, accents, signs and order do not matter. A capital D in front of a regimen that has its steroid already is
    daratumumab. High-dose melphalan (`Mel200`) is conditioning, not part of the regimen. A text that is understood
    only in part counts as not recognized: its drugs are unknown.

    Returns
    -------
    Regimen
        With an empty drug set where nothing or not everything was understood.

    Examples
    --------
    >>> parse_regimen("VTD-Dara").standard
    'D-VTd'
    >>> sorted(parse_regimen("Carfilzomib-Len-Dex").drugs)
    ['carfilzomib', 'dexamethasone', 'lenalidomide']
    >>> parse_regimen("study drug").recognized
    False
    """
    return _parse(text.strip()) if isinstance(text, str) else Regimen(frozenset(), "", False)


@cache
def drug_classes() -> dict[str, str]:
    """Return drug -> class of every known drug."""
    return _catalog().classes


@lru_cache(maxsize=65_536)
def _parse(text: str) -> Regimen:
    plain = "".join(char for char in unicodedata.normalize("NFKD", text) if not unicodedata.combining(char))
    plain = plain.casefold().replace("vp-16", "vp16").replace("vp 16", "vp16")
    drugs = _drugs_of(_CONDITIONING.sub(" ", plain))
    if not drugs:
        return Regimen(frozenset(), re.sub(r"\s+", " ", text), False)
    return Regimen(drugs, _catalog().names.get(drugs, "+".join(sorted(drugs))), True)


def _drugs_of(text: str) -> frozenset[str]:
    """Return the drugs of a text in plain small letters; empty unless every part is understood."""
    catalog = _catalog()
    whole = re.sub(r"[^a-z0-9]", "", text)
    if whole in catalog.words:
        return catalog.words[whole]
    # doses, cycles and words such as "therapy" say nothing about the drugs
    noise = {"", *catalog.ignored}
    tokens = [token for token in re.findall(r"[a-z0-9]+", text) if not {token, token.rstrip("0123456789")} & noise]
    parts = [_resolve(token) for token in tokens if token != "d"]
    if any(part is None for part in parts):
        return frozenset()
    return _with_letter_d(frozenset().union(*(part for part in parts if part)), tokens.count("d"))


def _resolve(token: str) -> frozenset[str] | None:
    """Return the drugs of one word: a name, a block, or drug names joined to a block without a sign."""
    catalog = _catalog()
    for word in (token, token.rstrip("0123456789")):
        found = catalog.words.get(word) or catalog.letters.get(word)
        if found:
            return found
    if token[0] == "d" and token[1:] in catalog.steroid_blocks:
        return catalog.words[token[1:]] | {DARATUMUMAB}
    return _resolve_joined(token)


def _resolve_joined(token: str) -> frozenset[str] | None:
    catalog = _catalog()
    for prefix, drugs in catalog.prefixes.items():
        if token.startswith(prefix) and (rest := catalog.words.get(token[len(prefix) :])):
            return drugs | rest
        if token.endswith(prefix) and (rest := catalog.words.get(token[: -len(prefix)])):
            return drugs | rest
    return None


def _with_letter_d(drugs: frozenset[str], count: int) -> frozenset[str]:
    """Read single letters D: dexamethasone where no steroid is named yet, else daratumumab; two of them are both."""
    if count == 0:
        return drugs
    if count == 1:
        return drugs | {DARATUMUMAB if drugs & STEROIDS else DEXAMETHASONE} if drugs else drugs
    return drugs | {DARATUMUMAB, DEXAMETHASONE}


@cache
def _catalog() -> _Catalog:
    """Read the table of drugs and regimens that lies beside this module."""
    table = tomllib.loads(Path(__file__).with_name("catalog.toml").read_text(encoding="utf-8"))
    single = {word: frozenset({drug}) for drug, entry in table["drugs"].items() for word in entry["words"]}
    regimens = {name: frozenset(drugs) for name, drugs in (table["standard"] | table["blocks"]).items()}
    words = {_one_word(name): drugs for name, drugs in regimens.items()}
    words |= {alias: regimens[name] for name, aliases in table["aliases"].items() for alias in aliases}
    names: dict[frozenset[str], str] = {}
    for name, drugs in regimens.items():
        names.setdefault(drugs, name)
    prefixes = dict(sorted(((w, d) for w, d in single.items() if len(w) >= 3), key=lambda item: -len(item[0])))
    return _Catalog(
        words=single | words,
        prefixes=prefixes,
        letters={letter: frozenset({drug}) for letter, drug in table["letters"].items()},
        ignored=frozenset(table["words"]["ignored"]),
        names=names,
        classes={drug: entry["class"] for drug, entry in table["drugs"].items()},
        steroid_blocks=frozenset(_one_word(n) for n in table["blocks"] if regimens[n] & STEROIDS),
    )


def _one_word(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.casefold())
