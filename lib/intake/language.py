"""Texts of the problem list in the language of the center: data in `italian.toml`, English text to Italian text."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from pathlib import Path

import pandas as pd

LANGUAGES = {"it": "italian.toml"}


@cache
def _load_texts(language: str) -> tuple[dict[str, str], list[tuple[re.Pattern[str], str]]]:
    """Return the texts of a language by their English ones, and those with a gap, which ``{}`` stands for."""
    path = Path(__file__).parent / LANGUAGES[language]
    texts = tomllib.loads(path.read_text(encoding="utf-8"))["texts"]
    gapped = {text: said for text, said in texts.items() if "{}" in text}
    patterns = [(re.compile(re.escape(text).replace(r"\{\}", "(.*)"), re.DOTALL), gapped[text]) for text in gapped]
    return {text: said for text, said in texts.items() if text not in gapped}, patterns


def say(text: str, language: str) -> str:
    """Return a text in a language; one that is not known, such as a value of the file, as it is.

    Examples
    --------
    >>> say("Found", "it"), say("3 cells", "it"), say("boh", "it"), say("Found", "en")
    ('Trovato', '3 celle', 'boh', 'Found')
    """
    if language not in LANGUAGES:
        return text
    texts, patterns = _load_texts(language)
    if text in texts:
        return texts[text]
    found = ((pattern.fullmatch(text), said) for pattern, said in patterns)
    return next((said.format(*match.groups()) for match, said in found if match), text)


def say_all(texts: pd.Series, language: str) -> pd.Series:
    """Return a column of texts in a language; each distinct one is looked up once."""
    return texts.map({text: say(text, language) for text in texts.unique()}) if language in LANGUAGES else texts


@cache  # asked of every answer of a list
def canonical(text: str) -> str:
    """Return the English text of a title or an answer in any language, whatever its case; another text as it is.

    Examples
    --------
    >>> canonical("Corretto "), canonical("ask Anna")
    ('corrected', 'ask Anna')
    """
    known = {said.casefold(): own for language in LANGUAGES for own, said in _load_texts(language)[0].items()}
    own = {own.casefold(): own for own in known.values()}
    word = text.strip().casefold()
    return known.get(word) or own.get(word) or text
