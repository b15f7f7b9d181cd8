"""Put the manuscript of one scope together and write it below reports/<SCOPE>/manuscript/."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path

from fhrmm.formats import uncapitalize
from fhrmm.manuscript.checklists import CHECKLISTS, load_checklist, tabulate_checklist
from fhrmm.manuscript.documents import Paper, is_wide
from fhrmm.manuscript.methods import write_methods
from fhrmm.manuscript.paper_tables import Document, Part, make_tables
from fhrmm.manuscript.published import FORMATS, Published, read_published
from fhrmm.report.page import changed_values
from fhrmm.store import clear_report_folder, open_run, read_report_bytes, write_report_bytes
from fhrmm.study import describe_rounding
from fhrmm.wording import METHODS_FILE, SYNTHETIC_MARK, SYNTHETIC_WARNING, read_words

_FOLDER = "manuscript"
# Figures of the text, in order; all others that show no single patient are the supplement.
_MAIN = ("02_cohort_flow", "03_response_best_response", "04_pfs_os_pfs", "04_pfs_os_os", "05_multivariable_forest_pfs")
_LONGEST_ABBREVIATION = 8


def write_manuscript(
    reports_dir: str | Path, data_dir: str | Path, scope: str, glossary: Mapping[str, str]
) -> list[Path]:
    """Write tables, figures, legends, methods and checklists of one scope from what it has published.

    Parameters
    ----------
    reports_dir, data_dir : str or Path
        The report, and the dataset it was made from.
    scope : str
        A center id, or ``ALL``.
    glossary : mapping of str to str
        Abbreviations and other forms of a term, each with the name of the term: what a text uses is spelled out below.

    Returns
    -------
    list of Path
        The files, ``README.md`` last. A manuscript of an earlier run is removed first, also if this one fails.

    Raises
    ------
    StudyError
        If a notebook that is needed is not ready; the message says which and why.
    """
    run = open_run(scope, str(data_dir), "work", str(reports_dir))
    clear_report_folder(run, _FOLDER)
    published = read_published(run)
    tables = make_tables(published)
    files = {f"table_{table.number}_{table.name}.docx": _table_file(published, table, glossary) for table in tables}
    named = _name_figures(published)
    for label, stem in named.items():
        for kind in reversed(FORMATS):
            name = f"figures/{label.lower().replace(' ', '_')}_{stem[3:]}.{kind}"
            files[name] = read_report_bytes(run, "figures", f"{stem}.{kind}")
    files["figure_legends.docx"] = _legends_file(published, named, glossary)
    files[METHODS_FILE] = _methods_file(published)
    files |= {f"checklist_{name}.docx": _checklist_file(published, name) for name in CHECKLISTS}
    files["README.md"] = _contents(published, files).encode("utf-8")
    return [write_report_bytes(run, _FOLDER, name, content) for name, content in files.items()]


def _name_figures(published: Published) -> dict[str, str]:
    """Return the figures that there are, by what the manuscript calls them."""
    others = [stem for stem in published.figures if stem not in _MAIN]
    main = {f"Figure {place}": stem for place, stem in enumerate(_MAIN, start=1) if stem in published.figures}
    return main | {f"Figure S{place}": stem for place, stem in enumerate(others, start=1)}


def _header(published: Published) -> str:
    kind = SYNTHETIC_WARNING if published.info.synthetic else "Center data, pseudonymous"
    shown = f" · {describe_rounding(published.study)}" if published.run.is_release else ""
    return f"{kind} · {published.info.name} · scope {published.run.scope}{shown}"


def _table_file(published: Published, table: Document, glossary: Mapping[str, str]) -> bytes:
    paper = Paper(_header(published), is_wide=is_wide([part.cells for part in table.parts]))
    for letter, part in zip("ABC", table.parts, strict=False):
        caption = f"Table {table.number}{letter if len(table.parts) > 1 else ''}. {table.title}"
        caption += f": {uncapitalize(part.title)}" if part.title else ""
        _write_part(paper, published, part, caption, glossary)
    return paper.to_bytes()


def _write_part(paper: Paper, published: Published, part: Part, caption: str, glossary: Mapping[str, str]) -> None:
    cells, notes = part.cells, [*part.notes, *part.cells.notes]
    values = [str(value) for row in cells.text.to_numpy(dtype=object) for value in row]
    shown = " ".join([caption, *map(str, cells.text.columns), *cells.group, *values, *notes])
    paper.table(cells, f"{caption}.")
    for note in dict.fromkeys(notes):
        paper.paragraph(note, is_small=True)
    known = _abbreviations(shown, glossary)
    if known:
        paper.paragraph(f"{known}.", lead="Abbreviations:", is_small=True)


def _abbreviations(text: str, glossary: Mapping[str, str]) -> str:
    """Spell out the abbreviations of a text, in alphabetical order; other forms of a term are left alone.

    Examples
    --------
    >>> known = {"CI": "Confidence interval", "PFS": "Progression-free survival", "intervals": "Confidence interval"}
    >>> _abbreviations("Median PFS (95% CI), intervals as published", known)
    'CI, confidence interval; PFS, progression-free survival'
    """
    spelled_out = []
    for form in sorted(glossary, key=str.casefold):
        is_abbreviation = sum(letter.isupper() for letter in form) > 1 and len(form) <= _LONGEST_ABBREVIATION
        if is_abbreviation and re.search(rf"(?<![\w-]){re.escape(form)}(?![\w-])", text):
            name = glossary[form]
            is_name = any(word[:1].isupper() for word in name.split()[1:])  # of a person or a body
            spelled_out.append(f"{form}, {name if is_name else uncapitalize(name)}")
    return "; ".join(spelled_out)


def _legends_file(published: Published, named: Mapping[str, str], glossary: Mapping[str, str]) -> bytes:
    paper = Paper(_header(published))
    paper.heading("Figure legends")
    mark = f" {SYNTHETIC_MARK.capitalize()}." if published.info.synthetic else ""
    for label, stem in named.items():
        legend, _ = read_words(read_report_bytes(published.run, "figures", f"{stem}.svg"))
        known = _abbreviations(legend, glossary)
        paper.paragraph(f"{legend}{mark}{f' {known}.' if known else ''}", lead=f"{label}.")
    return paper.to_bytes()


def _methods_file(published: Published) -> bytes:
    paper = Paper(_header(published))
    paper.heading("Methods")
    for heading, text in write_methods(published.study):
        paper.paragraph(text, lead=f"{heading}.")
    changed = changed_values(published.study)
    paper.paragraph("; ".join(changed) or "nothing.", lead="Differs from the plan:")
    return paper.to_bytes()


def _checklist_file(published: Published, name: str) -> bytes:
    checklist = load_checklist(name)
    paper = Paper(_header(published))
    cells = tabulate_checklist(checklist, published.run.scope, published.pages)
    paper.table(cells, f"{checklist.title}: where each item is answered.")
    paper.paragraph(f"Items in own words, after {checklist.reference}. {checklist.note}".rstrip(), is_small=True)
    return paper.to_bytes()


def _contents(published: Published, files: dict[str, bytes]) -> str:
    """List the files with their digests, and the digest of the table that every number comes from."""
    source = read_report_bytes(published.run, "tables", "estimates.csv")
    lines = [
        f"# Manuscript files, scope {published.run.scope}",
        "",
        _header(published) + ".",
        "",
        f"Every number comes from `../tables/estimates.csv` (sha256 {hashlib.sha256(source).hexdigest()}).",
        *(f"Not in this scope: Figure {n} ({s})." for n, s in enumerate(_MAIN, start=1) if s not in published.figures),
        "",
        "| file | sha256 |",
        "|---|---|",
        *(f"| {name} | {hashlib.sha256(content).hexdigest()} |" for name, content in files.items()),
        "",
    ]
    return "\n".join(lines)
