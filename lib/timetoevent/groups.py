"""Group labels as codes, in an order that never depends on the order of rows."""

from __future__ import annotations

from collections.abc import Hashable

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray


def check_groups(group: ArrayLike, *, name: str = "group") -> tuple[NDArray[np.intp], list[Hashable]]:
    """Return one code per subject and the labels the codes stand for.

    Labels are sorted; an ordered or unordered pandas Categorical keeps the order of its categories, those
    that do not occur left out.

    Parameters
    ----------
    group : array_like, shape (n_subjects,)
        Labels of any one kind: text, numbers, booleans.
    name : str
        Name used in messages.

    Returns
    -------
    tuple
        Codes 0..k-1 and the list of k labels.

    Raises
    ------
    ValueError
        If a label is missing (with the count).

    Examples
    --------
    >>> codes, labels = check_groups(["b", "a", "b"])
    >>> codes.tolist(), labels
    ([1, 0, 1], ['a', 'b'])
    """
    values = group if isinstance(group, pd.Series) else pd.Series(group)
    if isinstance(values.dtype, pd.CategoricalDtype):
        values = values.cat.remove_unused_categories()
        codes, labels = values.cat.codes.to_numpy().astype(np.intp), list(values.cat.categories)
    else:
        found, uniques = pd.factorize(values, sort=True)
        codes, labels = found.astype(np.intp), list(uniques)
    n_missing = int((codes < 0).sum())
    if n_missing:
        raise ValueError(f"{name}: {n_missing} missing values; exclude them or make them a group of their own")
    return codes, labels
