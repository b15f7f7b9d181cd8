"""Balance of the covariates of two groups before and after weighting."""

from __future__ import annotations

from fhrmm.figures.intervals import say_methods
from fhrmm.figures.style import COLORS, FAINT, INK, MARKERS, Drawing, drawn_from, new_figure, wrap
from fhrmm.formats import OK, Estimates, capitalize, clean_estimates, name_level, name_variable
from fhrmm.study import Study
from fhrmm.wording import counted

_BALANCED = 0.1


@drawn_from("estimates")
def plot_balance(estimates: Estimates, /, *, study: Study) -> Drawing:
    """Draw the size of each standardized mean difference before weighting, and after each kind of it.

    Parameters
    ----------
    estimates : DataFrame
        `standardized_mean_difference` rows whose model ends in ``, before`` or ``, after``.
    study : Study
        The plan: labels.
    """
    rows = clean_estimates(estimates)
    rows = rows[(rows["estimand"] == "standardized_mean_difference") & (rows["status"] == OK)]
    if rows.empty:
        return Drawing(None, "No difference could be estimated.")
    is_before = rows["model"].str.endswith(", before")
    rows = rows.assign(model=rows["model"].str.removesuffix(", after").mask(is_before, "unweighted"))
    rows = rows.drop_duplicates(["model", "variable", "level"])
    pairs = list(dict.fromkeys(zip(rows["variable"], rows["level"], strict=True)))
    names = [f"{name_variable(name, study)}{f': {name_level(level)}' if level else ''}" for name, level in pairs]
    figure = new_figure(9.0 * len(pairs) + 26)
    axes = figure.subplots()
    for place, (model, part) in enumerate(rows.groupby("model", sort=False)):
        heights = [pairs.index(pair) for pair in zip(part["variable"], part["level"], strict=True)]
        look = {"color": COLORS[place], "label": capitalize(model), "markersize": 7}
        axes.plot(part["estimate"].abs(), heights, MARKERS[place], **look)
    axes.axvline(_BALANCED, color=INK, linewidth=0.9, linestyle=(0, (4, 3)))
    axes.hlines(range(len(pairs)), 0, axes.get_xlim()[1], color=FAINT, linewidth=0.6, zorder=0)
    axes.set_yticks(range(len(pairs)), [wrap(name, 30) for name in names])
    axes.set(ylim=(len(pairs) - 0.5, -0.5), xlabel="Standardized mean difference, absolute value")
    axes.set_xlim(left=-0.01)
    figure.legend(loc="outside upper center", ncols=3)
    beyond = int((rows[rows["model"] == "unweighted"]["estimate"].abs() > _BALANCED).sum())
    alt = f"Balance of {counted(len(pairs), 'covariate')}: {beyond} beyond a tenth before weighting."
    return Drawing(figure, alt, rows, f"Dashed: a difference of {_BALANCED:g}, the usual limit.{say_methods(rows)}")
