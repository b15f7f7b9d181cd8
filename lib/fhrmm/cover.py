"""The cover of the report: headline figures and a figure of survival, from what was published; quick to import."""

from __future__ import annotations

import csv
import io
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fhrmm.wording import METHODS_FILE, POOLED, SYNTHETIC_WARNING, counted, read_words

# Label, endpoint, estimand; a rate is that at the headline time. The table of scopes has no medians: few reach them.
FIGURES = (
    ("Patients", "BASELINE", "count"),
    ("Median follow-up", "FOLLOW_UP", "median_months"),
    ("Overall response", "ORR", "proportion"),
    ("Very good partial response or better", "VGPR_OR_BETTER", "proportion"),
    ("Complete response or better", "CR_OR_BETTER", "proportion"),
    ("Median duration of response", "DOR", "median_months"),
    ("Median progression-free survival", "PFS", "median_months"),
    ("Progression-free at {time} months", "PFS", "survival_probability"),
    ("Median overall survival", "OS", "median_months"),
    ("Alive at {time} months", "OS", "survival_probability"),
)
SURVIVAL = "00_overview_survival"
# Editions of the course, whose builder the study does not know.
EDITIONS = ("student", "instructor")
INVENTED = (
    "Every patient and every center of this report is invented (data set: {name}). Real are the question, the "
    "definitions, the methods, and the published figures that results are held against."
)
Row = dict[str, str]


def read_toml(path: Path) -> dict[str, Any]:
    """Return a TOML file; empty if it is absent or broken, which the notebooks say better."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def describe_dataset(data: Path, citation: Path | None = None) -> dict[str, Any]:
    """Return what the manifest says about a dataset, the banner of its pages, what the cover says, and how to cite."""
    info = read_toml(data / "dataset.toml")
    is_synthetic, name = bool(info.get("synthetic", False)), info.get("name", data.name)
    facts = {"name": name, "synthetic": is_synthetic, "banner": f"{SYNTHETIC_WARNING}." if is_synthetic else ""}
    facts |= {"citation": _cite(citation)} if citation else {}
    return facts | ({"paragraphs": [INVENTED.format(name=name)]} if is_synthetic else {})


def _cite(path: Path) -> list[str]:
    """Return how to cite the compendium in its version, and the study whose definitions it has.

    Parameters
    ----------
    path : Path
        A citation file (CFF 1.2) with one reference, an article.
    """
    import yaml  # the only use; a run that changes nothing has loaded it already

    own = yaml.safe_load(path.read_text(encoding="utf-8"))
    (study,) = own["references"]
    names = [author.get("name") or f"{author['family-names']} {author['given-names']}" for author in study["authors"]]
    journal = f"{study['journal']} {study['year']};{study['volume']}({study['issue']}):{study['start']}-{study['end']}"
    return [
        f"Cite this: {own['authors'][0]['name']}. {own['title']}. Version {own['version']}.",
        f"Cite the study, too: {', '.join(names).replace('others', 'et al')}. {study['title']}. {journal}. "
        f"doi:{study['doi']}",
    ]


def read_cover(
    reports: Path, scopes: Sequence[str], question: str, *, months: float | None, least: int = 1
) -> dict[str, Any]:
    """Return what the cover shows: the question, headline figures, curves, one row of figures per scope, files.

    Parameters
    ----------
    reports : Path
        The report.
    scopes : sequence of str
        Scopes that have pages.
    question : str
        What the study asks.
    months : float or None
        When survival is shown as a headline figure; None shows none.
    least : int
        The fewest patients of whom a rate is shown.

    Returns
    -------
    dict
        As `notebookrun.index.write_index` takes it.
    """
    time = "" if months is None else f"{months:g}"
    keys = [
        (label.format(time=time), endpoint, estimand, time if estimand == "survival_probability" else "")
        for label, endpoint, estimand in FIGURES
        if time or estimand != "survival_probability"
    ]
    overall = {scope: _read_overall(reports, scope) for scope in scopes}
    first = POOLED if overall.get(POOLED) else next(iter(scopes), "")
    columns = [key for key in keys if key[2] != "median_months"]
    return {
        "question": question,
        "headline": [_show_figure(key, overall[first], least) for key in keys if overall.get(first)],
        "thumbnail": _find_thumbnail(reports, first),
        "figure_labels": [key[0] for key in columns],
        "figures": {
            s: [_show_number(rows.get(key[1:]), key[2], least) for key in columns] for s, rows in overall.items()
        },
        "links": _list_files(reports, scopes),
    }


def _read_overall(reports: Path, scope: str) -> dict[tuple[str, ...], Row]:
    """Return the overall rows of a scope's estimates by endpoint, estimand and time."""
    path, found = reports / scope / "tables" / "estimates.csv", {}
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    for row in csv.DictReader(io.StringIO(text)):
        if not (row["variable"] or row["level"] or row["model"]):
            time = f"{float(row['time_months']):g}" if row["time_months"] else ""
            found.setdefault((row["endpoint"], row["estimand"], time), row)
    return found


def _show_number(row: Row | None, estimand: str, least: int) -> str:
    """Return an estimate as the cover shows it; what is not a number says why."""
    if row is None:
        return "not available"
    if estimand != "count" and int(row["n"] or least) < least:
        return f"n too small ({row['n']})"
    if row["status"] != "ok" or not row["estimate"]:
        return row["status"].replace("_", " ")
    return _write(row["estimate"], estimand) + (" months" if estimand == "median_months" else "")


def _write(number: str, estimand: str) -> str:
    """Write a number, or a limit that is not reached."""
    if not number:
        return "not reached"
    value = float(number)
    return {"count": f"{value:.0f}", "median_months": f"{value:.1f}"}.get(estimand, f"{100 * value:.0f}%")


def _show_figure(key: Sequence[str], rows: dict[tuple[str, ...], Row], least: int) -> Row:
    """Return one headline figure: label, value, interval with denominator."""
    label, _, estimand, _ = key
    row = rows.get(tuple(key[1:]))
    shown = {"label": label, "value": _show_number(row, estimand, least), "range": ""}
    is_reached = row is not None and row["status"] in ("ok", "not_reached") and "n too small" not in shown["value"]
    if estimand == "count" or not is_reached or not row:
        return shown
    limits = [row["ci_lower"], row["ci_upper"]]
    low, high = (_write(limit, estimand) for limit in limits)
    level = f"{100 * float(row['ci_level']):.0f}% CI {low} to {high}" if any(limits) else "no interval"
    return shown | {"range": f"{level}; {counted(row['n'], 'patient')}" if row["n"] else level}


def _list_files(reports: Path, scopes: Sequence[str]) -> list[Row]:
    """Return links to the tables of numbers, to the manifest, and to manuscripts and course where they were made."""
    notes = {"estimates": "every number of every notebook", "attrition": "who was excluded, and why"}
    links = [
        {"href": f"{scope}/tables/{name}.csv", "text": f"{scope}/tables/{name}.csv", "note": f"({note})"}
        for scope in scopes
        for name, note in notes.items()
        if scope == POOLED and (reports / scope / "tables" / f"{name}.csv").is_file()
    ]
    since = [path.relative_to(reports).as_posix() for path in sorted(reports.glob("*/tables/since_*.csv"))]
    return [
        *links,
        *_list_made(reports, [(name, f"what changed: {name}") for name in since if name.split("/")[0] in scopes]),
        {"href": "manifest.json", "text": "manifest.json", "note": "(inputs, parameters, versions, digests)"},
        *_list_made(
            reports, [(f"{scope}/manuscript/{METHODS_FILE}", f"methods of the manuscript, {scope}") for scope in scopes]
        ),
        *_list_made(reports, [(f"teaching/{name}/index.html", f"course, {name} edition") for name in EDITIONS]),
    ]


def _list_made(reports: Path, files: Sequence[tuple[str, str]]) -> list[Row]:
    return [{"href": href, "text": text, "note": ""} for href, text in files if (reports / href).is_file()]


def _find_thumbnail(reports: Path, scope: str) -> Row | None:
    """Return the figure of survival that a scope's overview has drawn.

    Returns
    -------
    dict or None
        ``source`` (where the file is, seen from the cover), ``alt``, ``caption`` and ``href``; None if the overview
        was not made. In release the figure is protected.
    """
    path = reports / scope / "figures" / f"{SURVIVAL}.svg"
    if not path.is_file():
        return None
    caption, alt = read_words(path.read_bytes())
    caption += " All centers pooled." if scope == POOLED else f" Center {scope}."
    source = path.relative_to(reports).as_posix()
    return {"source": source, "alt": alt, "caption": caption, "href": f"{scope}/04_pfs_os.html"}
