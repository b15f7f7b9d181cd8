"""The centers of a dataset are its folders; imports little, so that the runner starts at once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from fhrmm.errors import StudyError
from fhrmm.wording import POOL, POOLED


def center_folders(dataset: Path) -> list[str]:
    """Return the center ids of a dataset: the names of its folders, sorted.

    Folders that begin with a dot or an underscore are none.

    Raises
    ------
    StudyError
        If the dataset does not exist, holds no center folder, or one whose name is taken.
    """
    if not dataset.is_dir():
        raise StudyError(f"no dataset folder {dataset.name!r}: expected DATASET/<CENTER>/ with that center's export")
    centers = sorted(
        child.name for child in dataset.iterdir() if child.is_dir() and not child.name.startswith((".", "_"))
    )
    if not centers:
        raise StudyError(f"dataset folder {dataset.name!r} holds no center folder: expected DATASET/<CENTER>/")
    _check_names(centers)
    return centers


def _check_names(centers: Sequence[str]) -> None:
    """Refuse names that cannot have a report folder of their own; some systems do not tell a from A."""
    taken, problems = {name.casefold(): name for name in (POOLED, POOL)}, []
    for name in centers:
        other = taken.setdefault(name.casefold(), name)
        if other in (POOLED, POOL):
            problems.append(f"center folder {name!r}: {other} stands for all centers together; rename the folder")
        elif other != name:
            problems.append(f"center folders {other!r} and {name!r} differ in case alone; rename one of them")
    if problems:
        raise StudyError("; ".join(problems))
