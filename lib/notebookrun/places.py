"""Where a run reads and writes, and the names by which files are known independently of the machine.

A file is named by the place it lies in: ``data/...``, ``work/...``, ``reports/...``, and ``repository/...`` for what
else lies below the repository root. Only these names enter declarations, the cache and the manifest.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import reduce
from pathlib import Path

PLACES = ("data", "work", "reports", "repository")


@dataclass(frozen=True)
class Places:
    """The four folders of a run, absolute.

    Attributes
    ----------
    root : Path
        Repository root: where relative paths start, and the working folder of kernels.
    data, work, reports : Path
        Dataset, patient-level intermediates, shown output.
    """

    root: Path
    data: Path
    work: Path
    reports: Path

    @property
    def state(self) -> Path:
        """Folder of the engine's own memory."""
        return self.work / ".notebookrun"

    def folder(self, place: str) -> Path:
        """Return the folder of a place."""
        return self.root if place == "repository" else Path(getattr(self, place))

    def absolute(self, name: str) -> Path:
        """Return where a named file lies.

        Examples
        --------
        >>> from pathlib import Path
        >>> Places(Path("/r"), Path("/d"), Path("/w"), Path("/o")).absolute("work/C01/a.csv").as_posix()
        '/w/C01/a.csv'
        """
        place, _, rest = name.partition("/")
        return self.folder(place) / rest

    def name(self, path: Path | str) -> str | None:
        """Return the name of a file, or None if it lies outside of all places."""
        wanted = Path(path)
        found = [place for place in PLACES if wanted.is_relative_to(self.folder(place))]
        if not found:
            return None
        place = max(found, key=lambda p: len(self.folder(p).parts))
        return f"{place}/{wanted.relative_to(self.folder(place)).as_posix()}".rstrip("/.")

    def find(self, patterns: Iterable[str]) -> list[str]:
        """Return the names of the existing files that match, sorted."""
        found: set[str] = set()
        for pattern in patterns:
            place, _, rest = pattern.rstrip("?").partition("/")
            folder = self.folder(place)
            paths = folder.glob(rest) if "*" in rest else [folder / rest]
            found |= {name for path in paths if path.is_file() and (name := self.name(path))}
        return sorted(found)


def matches(name: str, pattern: str) -> bool:
    """Say whether a file name matches a pattern, segment by segment; a folder matches all below it.

    Examples
    --------
    >>> matches("reports/C01/figures/04_km.svg", "reports/C01/figures/04_*")
    True
    >>> matches("reports/C01/tables/x.csv", "reports/*")
    True
    """
    return name.count("/") >= pattern.count("/") and overlaps(name, pattern)


def overlaps(one: str, other: str) -> bool:
    """Say whether two patterns can name the same file.

    Examples
    --------
    >>> overlaps("reports/*/tables/estimates.csv", "reports/C01/tables/estimates.csv")
    True
    >>> overlaps("reports/C01/figures/04_*", "reports/C01/figures/05_km.svg")
    False
    """
    pairs = zip(one.rstrip("?").split("/"), other.rstrip("?").split("/"), strict=False)
    return all(_segments_overlap(a, b) for a, b in pairs)


def _segments_overlap(one: str, other: str) -> bool:
    if one == other:
        return True
    if "*" in one and "*" in other:
        head_one, head_other = one.split("*")[0], other.split("*")[0]
        return head_one.startswith(head_other) or head_other.startswith(head_one)
    return fnmatchcase(one, other) or fnmatchcase(other, one)


def make_scrubber(folders: dict[Path, str]) -> Callable[[str], str]:
    """Return what replaces machine-specific folders in text that is going to be shown.

    Parameters
    ----------
    folders : dict of Path to str
        Absolute folder and the word that stands for it.

    Examples
    --------
    >>> make_scrubber({Path("/srv/repo"): ""})("File /srv/repo/lib/x.py, line 3")
    'File lib/x.py, line 3'
    """
    longest_first = sorted(folders.items(), key=lambda item: -len(str(item[0])))
    rules = [
        (re.compile(re.escape(str(folder)) + r"(?![\w-])[/\\]?"), f"{word}/" if word else "")
        for folder, word in longest_first
        if len(folder.parts) > 1
    ]
    return lambda text: reduce(lambda shown, rule: rule[0].sub(rule[1], shown), rules, text)
