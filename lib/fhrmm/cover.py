"""The cover of the report: headline figures and survival curves, from what was published; quick to import."""

from __future__ import annotations

import base64
import csv
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

from fhrmm.palette import COLORS, FAINT, INK, MUTED
from fhrmm.wording import METHODS_FILE, POOLED, SYNTHETIC_MARK, counted

# Label, endpoint, estimand.
COUNTED = (
    ("Patients", "BASELINE", "count"),
    ("Overall response", "ORR", "proportion"),
    ("Very good partial response or better", "VGPR_OR_BETTER", "proportion"),
)
SURVIVING = (
    ("Progression-free at {time} months", "PFS", "survival_probability"),
    ("Alive at {time} months", "OS", "survival_probability"),
)
# Figure, short name, words, color and dashes, as in the figures themselves.
CURVES = (
    ("04_pfs_os_os", "OS", "overall survival", COLORS[1], "7 3"),
    ("04_pfs_os_pfs", "PFS", "progression-free survival", COLORS[0], ""),
)
# Editions of the course, whose builder the study does not know.
EDITIONS = ("student", "instructor")
_LEFT, _RIGHT, _TOP, _BOTTOM, _WIDTH, _HEIGHT = 44, 46, 12, 40, 480, 250
_TICK, _LEAST = 6, 12
Row = dict[str, str]


def read_cover(
    reports: Path, scopes: Sequence[str], question: str, *, months: float | None, is_synthetic: bool
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
    is_synthetic : bool
        Whether the dataset is, which the drawing then says.

    Returns
    -------
    dict
        As `notebookrun.index.render_index` takes it.
    """
    overall = {scope: read_overall(reports, scope) for scope in scopes}
    first = POOLED if overall.get(POOLED) else next(iter(scopes), "")
    rows = overall.get(first, {})
    keys = headline(months)
    cells = {s: [show_number(found.get(key[1:]), key[2]) for key in keys] for s, found in overall.items()}
    return {
        "question": question,
        "headline": [show_figure(key, rows) for key in keys if rows],
        "thumbnail": draw_thumbnail(reports, first, is_synthetic=is_synthetic),
        "figure_labels": [key[0] for key in keys],
        "figures": cells,
        "links": list_files(reports, scopes),
    }


def headline(months: float | None) -> list[tuple[str, ...]]:
    """Return the headline figures: label, endpoint, estimand and time as text.

    Examples
    --------
    >>> headline(18.0)[-1]
    ('Alive at 18 months', 'OS', 'survival_probability', '18')
    """
    time = "" if months is None else _write_time(months)
    rates = [(label.format(time=time), *what, time) for label, *what in SURVIVING if time]
    return [*((*figure, "") for figure in COUNTED), *rates]


def _write_time(months: float) -> str:
    return f"{months:g}"


def read_overall(reports: Path, scope: str) -> dict[tuple[str, ...], Row]:
    """Return the overall rows of a scope's estimates by endpoint, estimand and time."""
    rows = [
        r
        for r in _read(reports / scope / "tables" / "estimates.csv")
        if not (r["variable"] or r["level"] or r["model"])
    ]
    found: dict[tuple[str, ...], Row] = {}
    for row in rows:
        time = _write_time(float(row["time_months"])) if row["time_months"] else ""
        found.setdefault((row["endpoint"], row["estimand"], time), row)
    return found


def _read(path: Path) -> list[Row]:
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def show_number(row: Row | None, estimand: str) -> str:
    """Return an estimate as the cover shows it; what is not a number says why."""
    if row is None:
        return "not available"
    if row["status"] != "ok" or not row["estimate"]:
        return row["status"].replace("_", " ")
    value = float(row["estimate"])
    return f"{value:.0f}" if estimand == "count" else f"{100 * value:.0f}%"


def show_range(row: Row | None, estimand: str) -> str:
    """Return the interval and the denominator."""
    if row is None or row["status"] != "ok" or estimand == "count":
        return ""
    ends = [f"{100 * float(row[end]):.0f}%" for end in ("ci_lower", "ci_upper") if row[end]]
    level = f"{100 * float(row['ci_level']):.0f}% CI {ends[0]} to {ends[1]}" if len(ends) == 2 else "no interval"
    return f"{level}; {counted(row['n'], 'patient')}" if row["n"] else level


def show_figure(key: Sequence[str], rows: dict[tuple[str, ...], Row]) -> Row:
    """Return one headline figure: label, value, interval."""
    label, _, estimand, _ = key
    row = rows.get(tuple(key[1:]))
    return {"label": label, "value": show_number(row, estimand), "range": show_range(row, estimand)}


def list_files(reports: Path, scopes: Sequence[str]) -> list[Row]:
    """Return links to the tables of numbers, to the manifest, and to manuscripts and course where they were made."""
    notes = {"estimates": "every number of every notebook", "attrition": "who was excluded, and why"}
    links = [
        {"href": f"{scope}/tables/{name}.csv", "text": f"{scope}/tables/{name}.csv", "note": f"({note})"}
        for scope in scopes
        for name, note in notes.items()
        if scope == POOLED and (reports / scope / "tables" / f"{name}.csv").is_file()
    ]
    return [
        *links,
        {"href": "manifest.json", "text": "manifest.json", "note": "(inputs, parameters, versions, digests)"},
        *_list_made(
            reports, [(f"{scope}/manuscript/{METHODS_FILE}", f"methods of the manuscript, {scope}") for scope in scopes]
        ),
        *_list_made(reports, [(f"teaching/{name}/index.html", f"course, {name} edition") for name in EDITIONS]),
    ]


def _list_made(reports: Path, files: Sequence[tuple[str, str]]) -> list[Row]:
    return [{"href": href, "text": text, "note": ""} for href, text in files if (reports / href).is_file()]


def draw_thumbnail(reports: Path, scope: str, *, is_synthetic: bool) -> Row | None:
    """Draw the survival curves of a scope small, from the data of its figures.

    Parameters
    ----------
    reports : Path
        The report.
    scope : str
        Whose curves.
    is_synthetic : bool
        Whether the drawing says that the data are.

    Returns
    -------
    dict or None
        ``source`` (the drawing as a data address), ``alt``, ``caption`` and ``href``; None if there is no curve to
        draw, as in a very small center. In release the data are protected, and so is the drawing.
    """
    curves = {figure[0]: _read_curve(reports / scope / "figures" / f"{figure[0]}.csv") for figure in CURVES}
    shown = [(figure, curves[figure[0]]) for figure in CURVES if curves[figure[0]]]
    if not shown:
        return None
    limit = max(_LEAST, *(_ceiling(curve[-1][0]) for _, curve in shown))
    mark = [_MARK] if is_synthetic else []
    drawn = "".join([_axes(limit), *(_draw(figure, curve, limit) for figure, curve in shown), *mark])
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" {_FONT}>{drawn}</svg>'
    who = "all centers pooled" if scope == POOLED else f"center {scope}"
    names = " and ".join(f"{figure[2]} ({figure[1]})" for figure, _ in reversed(shown))
    return {
        "source": "data:image/svg+xml;base64," + base64.b64encode(svg.encode("utf-8")).decode("ascii"),
        "alt": " ".join(_describe(figure, curve) for figure, curve in reversed(shown)),
        "caption": f"{names[:1].upper()}{names[1:]} from the start of second line, {who}; shaded: 95% intervals.",
        "href": f"{scope}/04_pfs_os.html",
    }


Point = tuple[float, float, float, float]
_MARK = f'<text x="{_WIDTH - 4}" y="{_HEIGHT - 5}" text-anchor="end" font-style="italic">{SYNTHETIC_MARK}</text>'
_FONT = f'font-family="system-ui, sans-serif" font-size="12" fill="{MUTED}"'


def _read_curve(path: Path) -> list[Point]:
    """Return time, survival and the ends of its interval; without an interval, its ends are the survival."""
    rows = [row for row in _read(path) if row.get("part") == "curve" and row.get("survival")]
    return [
        (
            float(row["time"]),
            float(row["survival"]),
            float(row["ci_lower"] or row["survival"]),
            float(row["ci_upper"] or row["survival"]),
        )
        for row in rows
    ]


def _ceiling(time: float) -> int:
    return _TICK * -int(-time // _TICK)


def _x(time: float, limit: float) -> float:
    return _LEFT + (_WIDTH - _LEFT - _RIGHT) * time / limit


def _y(share: float) -> float:
    return _TOP + (_HEIGHT - _TOP - _BOTTOM) * (1 - share)


def _steps(points: Sequence[tuple[float, float]], limit: float) -> list[tuple[float, float]]:
    """Turn points into corners of a staircase."""
    corners = [(_x(points[0][0], limit), _y(points[0][1]))]
    for time, share in points[1:]:
        corners += [(_x(time, limit), corners[-1][1]), (_x(time, limit), _y(share))]
    return corners


def _path(corners: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in corners)


def _draw(figure: Sequence[str], curve: Sequence[Point], limit: float) -> str:
    _, name, _, color, dashes = figure
    line = _steps([(point[0], point[1]) for point in curve], limit)
    lower = _steps([(point[0], point[2]) for point in curve], limit)
    upper = _steps([(point[0], point[3]) for point in curve], limit)
    dash = f' stroke-dasharray="{dashes}"' if dashes else ""
    end_x, end_y = line[-1]
    return (
        f'<polygon points="{_path([*lower, *reversed(upper)])}" fill="{color}" fill-opacity="0.13"/>'
        f'<polyline points="{_path(line)}" fill="none" stroke="{color}" stroke-width="2.2"{dash}/>'
        f'<text x="{end_x + 6:.1f}" y="{end_y + 4:.1f}" fill="{INK}" font-weight="bold">{escape(name)}</text>'
    )


def _axes(limit: int) -> str:
    right, base = _WIDTH - _RIGHT, _y(0)
    lines = [
        f'<line x1="{_LEFT}" x2="{right}" y1="{_y(share):.1f}" y2="{_y(share):.1f}" stroke="{FAINT}"/>'
        f'<text x="{_LEFT - 6}" y="{_y(share) + 4:.1f}" text-anchor="end">{share:.0%}</text>'
        for share in (0.0, 0.5, 1.0)
    ]
    ticks = [
        f'<text x="{_x(time, limit):.1f}" y="{base + 16:.1f}" text-anchor="middle">{time}</text>'
        for time in range(0, limit + 1, _TICK)
    ]
    middle = (_LEFT + right) / 2
    title = f'<text x="{middle:.1f}" y="{base + 33:.1f}" text-anchor="middle">Months since start of second line</text>'
    return "".join([*lines, *ticks, title])


def _describe(figure: Sequence[str], curve: Sequence[Point]) -> str:
    name = f"{figure[2][:1].upper()}{figure[2][1:]}"
    end = curve[-1][0]
    at = range(_TICK, int(end) + 1, _TICK)
    heights = [f"{[p[1] for p in curve if p[0] <= time][-1]:.0%} at {time} months" for time in at]
    return f"{name} falls to {', '.join(heights) or f'{curve[-1][1]:.0%}'}; the curve ends at {end:.0f} months."
