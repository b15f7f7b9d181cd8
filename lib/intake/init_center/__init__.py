"""A first `center.toml` for a folder of export files: what is recognized, with its evidence, and what is to decide."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from fhrmm.errors import StudyError
from intake.center import FILE_NAME, FORMAT_BY_EXTENSION, PROPOSED, SharedDate, load_center
from intake.cleaning.typed import expected_text
from intake.contract import variables
from intake.init_center.dry_run import try_description
from intake.init_center.evidence import (
    Proposal,
    propose_date_order,
    propose_decimal,
    propose_missing,
    propose_thousands,
    propose_unit,
    unexplained_values,
)
from intake.init_center.look import CHECKBOX, Source, look_at
from intake.init_center.match import BY_NAME, TWO, unit_behind
from intake.readers.derived import read_status
from intake.readers.headers import map_headers
from intake.readers.redcap import find_structure, is_structure
from intake.readers.redcap_api import read_address
from intake.readers.text_files import find_encoding, find_separator, to_utf8
from intake.values import CellDialect, comparison_key, known_units, synonyms_of

MOST_VALUES = 12
# Events that a column of states tells, with words by which it is known.
EVENTS_OF_STATES = {
    "death_date": r"\b(dece|viv[oa]|alive|dead|died|death|living|exitus|mort|vital|os\b)",
    "progression_date": r"\b(progr|recid|relap|ricad|pd|pfs)",
}


def init_center(folder: Path) -> str:
    """Look at a center's files and write a first `center.toml` beside them.

    What is recognized is written with its evidence; what is only likely is written as a comment, to be confirmed by a
    person. An existing `center.toml` is never touched: it is tried as it is, what it answers is not asked again, and
    the proposal goes to `center.proposed.toml`.

    Returns
    -------
    str
        A report: where the file is, what was recognized, what a person must still decide, and what would become of
        the patients with the file as it is.

    Raises
    ------
    StudyError
        If the folder does not exist or has no file that can be opened.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise StudyError(f"no folder {folder.name!r}")
    text, decisions = propose_center(folder)
    name = PROPOSED if (folder / FILE_NAME).exists() else FILE_NAME
    with contextlib.suppress(StudyError, OSError):
        if "files" not in (folder / FILE_NAME).read_text(encoding="utf-8-sig"):  # so far only where a project is
            address, name = f"redcap = {{ url = {json.dumps(read_address(folder))} }}", FILE_NAME
            text = text.replace("\nid = ", f"\n{address}\nid = ", 1)
    if name == PROPOSED:
        with contextlib.suppress(StudyError):  # a description that cannot be read answers nothing, as is said below
            answered = _texts_of(load_center(folder).model_dump(exclude_defaults=True))
            decisions = [text for text in decisions if not any(repr(answer) in text for answer in answered)]
    (folder / name).write_text(text, encoding="utf-8")
    listed = "\n".join(f"{number}. {decision}" for number, decision in enumerate(decisions, start=1))
    tried = try_description(folder, FILE_NAME)
    open_ends = listed or ("what stands below" if "\n- " in tried else "nothing")
    stays = f" ({folder.name}/{FILE_NAME} stays as it is, and is what is tried below)" if name == PROPOSED else ""
    return f"wrote {folder.name}/{name}{stays}\n\nStill to decide:\n{open_ends}\n\n{tried}"


def _texts_of(value: object) -> set[str]:
    """Return every key and every text of a description, headers among them."""
    if isinstance(value, dict):
        return set(value).union(*map(_texts_of, value.values()))
    if isinstance(value, tuple):
        return set().union(*map(_texts_of, value))
    return {value} if isinstance(value, str) else set()


def propose_center(folder: Path) -> tuple[str, list[str]]:
    """Return the text of a first `center.toml` and the list of what a person must still decide.

    Raises
    ------
    StudyError
        If no file of the folder can be opened as a table.
    """
    sources, problems = look_at(folder)
    if not sources:
        there = "; ".join(problems) or f"formats are {', '.join(sorted(FORMAT_BY_EXTENSION))}"
        raise StudyError(f"{folder.name}: no file that looks like patients, assessments or adverse events ({there})")
    decisions = [f"{problem}: mend it, or take it out of the folder" for problem in problems]
    shared = _shared(sources, decisions)
    head = [
        f"# First description of {folder.name}, written from its files. Each line says why it is there.",
        "# A line that begins with '# CONFIRM' is a guess: it does nothing until the mark is taken away.",
        f"id = {json.dumps(folder.name)}",
        *(_line(proposal) for proposal in shared),
        "",
    ]
    entries = [_entry(folder, source, shared, decisions) for source in sources]
    return "\n".join([*head, *entries]), list(dict.fromkeys(decisions))


def _line(proposal: Proposal) -> str:
    text = f"{proposal.line}  # {proposal.evidence}"
    return text if proposal.certain else f"# CONFIRM {text}"


def _shared(sources: list[Source], decisions: list[str]) -> list[Proposal]:
    """Return date order and decimal mark of all files together."""
    dates = [text for source in sources for text in _texts(source, ("date",))]
    numbers = [text for source in sources for text in _texts(source, ("number",))]
    proposed = (propose_date_order(dates), propose_decimal(numbers), propose_thousands(numbers))
    found = [proposal for proposal in proposed if proposal]
    known = [(variables(source.file.table)[n], t) for source in sources for n, t in _by_column(source).items()]
    found += [codes] if (codes := propose_missing(known)) else []
    decisions += [f"{item.line.split(' ')[0]}: {item.evidence}" for item in found if not item.certain]
    return found


def _texts(source: Source, types: tuple[str, ...]) -> list[str]:
    known = variables(source.file.table)
    chosen = [match.header for match in source.matches if match.column and known[match.column].type in types]
    return [text for header in chosen if header in source.texts for text in source.texts[header].index]


def _entry(folder: Path, source: Source, shared: list[Proposal], decisions: list[str]) -> str:
    """Return one [[files]] entry."""
    file = source.file
    lines = ["[[files]]", f"path = {json.dumps(file.path)}"]
    rows = len(source.grid.rows)
    known = sum(bool(match.column) and match.certain for match in source.matches)
    lines.append(f'table = "{file.table}"  # {known} of {len(source.matches)} headers recognized, {rows} rows')
    lines += _text_lines(folder / file.path, source)
    for name in ("format", "sheet", "dictionary", "events", "instrument"):
        if value := getattr(file, name):
            lines.append(f"{name} = {json.dumps(value, ensure_ascii=False)}")
    for header, events in file.where.items():
        lines.append(
            f"where = {{ {json.dumps(header)} = {json.dumps(list(events))} }}  # rows with the date of a visit"
        )
    lines += _shape_lines(source, folder, decisions)
    if file.skip_rows:
        lines.append(f"skip_rows = {file.skip_rows}  # the header stands below them")
    if file.header_rows > 1:
        lines.append(f"header_rows = {file.header_rows}  # the first row alone leaves columns without a name")
    lines += ["[files.columns]", *_column_lines(source, decisions)]
    lines += _unit_lines(source, shared, decisions)
    lines += _checkbox_lines(source, decisions)
    lines += _value_lines(source, shared, decisions)
    lines += _shared_date_lines(source, decisions)
    return "\n".join(lines) + "\n"


def _text_lines(path: Path, source: Source) -> list[str]:
    """Say encoding and separator of a text file, so that later exports are held to them."""
    if source.file.resolved_format not in ("csv", "tsv", "redcap_raw", "redcap_label") or path.suffix == ".xlsx":
        return []
    content = path.read_bytes()
    encoding = find_encoding(content)
    lines = [f'encoding = "{encoding}"  # every letter with an accent is one in it']
    if path.suffix.lower() not in (".tsv", ".tab"):
        separator = find_separator(to_utf8(content, None), source.file)
        lines.append(
            f"separator = {json.dumps(separator)}  # divides the header into {len(source.grid.headers)} columns"
        )
    return lines


def _column_lines(source: Source, decisions: list[str]) -> list[str]:
    lines = []
    place = source.file.path
    for match in source.matches:
        header = json.dumps(match.header, ensure_ascii=False)
        if CHECKBOX.fullmatch(match.header) or is_structure(match.header):
            continue
        if match.how.startswith(BY_NAME) and not match.certain:  # its name alone would map it
            lines.append(f'{header} = ""  # {match.column}? {match.how}')
        elif match.column and match.how != BY_NAME:
            lines.append(_line(Proposal(f'{header} = "{match.column}"', match.how, match.certain)))
        elif match.column:
            lines.append(f"# {header} is {match.column} by its name")
        else:
            lines.append(f'# {header} = ""  # {match.how or "not recognized: stays out"}')
        if not match.certain and match.header:
            wanted = f" ({match.how}: {match.column}?)" if match.column else ""
            asked = f"which variable is {match.header!r}{wanted}, or none?"
            decisions.append(f"{place}: {f'{match.header!r} {match.how}' if match.how and not match.column else asked}")
        if match.how.startswith("refused"):
            decisions.append(f"{place}: take {match.header!r} out of the file ({match.how})")
    if "patient_id" not in {match.column for match in source.matches if match.certain}:
        decisions.insert(0, f"{place}: which column is the pseudonymous patient identifier?")
    return lines


def _shape_lines(source: Source, folder: Path, decisions: list[str]) -> list[str]:
    """Propose how rows are to be put together: lines by order, cells that repeat the one above."""
    lines, there = [], {match.column: match.header for match in source.matches if match.column and match.certain}
    file = source.file.path
    if source.file.table == "lines" and "line_number" not in there:
        days = "\nnew_line_after_days = 28  # of drugs that begin later than the one before" if "drug" in there else ""
        lines.append(f'lines_by = "order"  # no column numbers the lines{days}')
        decisions.append(f"{file}: no column numbers the lines; is the first by its start the first line of therapy?")
    if source.completes:
        lines.append(f"completes = true  # its patients are those of {source.completes}")
    if key := there.get("patient_id"):
        cells = source.grid.columns[source.grid.headers.index(key)]
        empty = int((cells.codes < 0).sum())
        if empty and cells.codes[0] >= 0:
            lines.append(f"# CONFIRM fill_down = [{json.dumps(key)}]  # {empty} rows have no identifier")
            decisions.append(f"{file}: {empty} rows have no {key!r}; do they belong to the patient above (fill_down)?")
    groups = find_structure(source.grid.headers).get("redcap_data_access_group")
    if groups is not None and len(names := list(source.grid.columns[groups].categories)) > 1:
        header = source.grid.headers[groups]
        lines.append(f"# CONFIRM where = {{ {json.dumps(header)} = {json.dumps(folder.name)} }}  # a group, a center")
        decisions.append(f"{file}: which data access group is {folder.name}? There are {', '.join(map(str, names))}")
    return lines


def _shared_date_lines(source: Source, decisions: list[str]) -> list[str]:
    """Propose which column tells apart the two dates that a header names."""
    lines, texts = [], source.texts
    states = [
        match.header
        for match in source.matches
        if not match.certain and len(texts[match.header])
        if all(read_status(text, SharedDate(date="", status="", event="")) for text in texts[match.header].index)
    ]
    for match in (match for match in source.matches if match.how.startswith(TWO)):
        two = match.how.removeprefix(TWO).split(":")[0].split(" and ")
        event = next((name.strip() for name in two if name.strip() in EVENTS_OF_STATES), two[0].strip())
        always = next(name.strip() for name in two if name.strip() != event)
        if always in EVENTS_OF_STATES:
            continue  # progression or death: no column of states tells which without a third date
        told = {name: comparison_key(" ".join([name, *texts[name].index])) for name in states}
        likely = [name for name, text in told.items() if re.search(EVENTS_OF_STATES.get(event, "^$"), text)]
        entry = {"date": match.header, "status": (likely or states or ["?"])[0], "event": event, "always": always}
        lines.append("# CONFIRM [[files.shared_dates]]  # take the mark away from all five lines")
        lines += [f"# CONFIRM {name} = {json.dumps(text, ensure_ascii=False)}" for name, text in entry.items()]
        question = f"{source.file.path}: which variable is {entry['status']!r}, or none?"
        decisions[:] = [text for text in decisions if text != question]
        decisions.append(f"{source.file.path}: does {entry['status']!r} tell what {match.header!r} is (shared_dates)?")
    return lines


def _unit_lines(source: Source, shared: list[Proposal], decisions: list[str]) -> list[str]:
    """Propose units by plausible range, for columns whose header names none."""
    known = variables(source.file.table)
    named = map_headers(source.grid.headers, source.file.model_copy(update={"columns": _columns(source)})).units
    decimal = "," if any(item.line.startswith("decimal") for item in shared) else None
    found = []
    for header, name in _columns(source).items():
        unit = unit_behind(header, name) if name not in named else None
        if unit and unit != known_units(name)[0]:
            found.append(Proposal(f'{name} = "{unit}"', f"stands in {header!r}", certain=True))
            named[name] = unit
    for name, texts in _by_column(source).items():
        if name not in named and (proposal := propose_unit(texts, known[name], decimal)):
            found.append(proposal)
            decisions.append(f"{source.file.path}: is {name} in another unit? {proposal.evidence}")
    if "ldh_u_l" in _by_column(source) and "ldh_uln_u_l" not in _by_column(source):
        decisions.append(f"{source.file.path}: what is the upper limit of normal of LDH? (files.uln, ldh_uln_u_l)")
    if source.file.table == "laboratory" and "unit" not in _columns(source).values():
        decisions.append(f"{source.file.path}: no column has the unit of the results; in which are they? (files.units)")
    return (["[files.units]"] if found else []) + [_line(proposal) for proposal in found]


def _columns(source: Source) -> dict[str, str]:
    certain = [match for match in source.matches if match.column and match.certain]
    return {match.header: match.column for match in certain if not CHECKBOX.fullmatch(match.header)}


def _by_column(source: Source) -> dict[str, object]:
    """Return the distinct texts of each recognized column."""
    return {name: source.texts[header] for header, name in _columns(source).items() if header in source.texts}


def _checkbox_lines(source: Source, decisions: list[str]) -> list[str]:
    """Propose checkbox groups whose choices are the levels of one variable."""
    lines = []
    known = variables(source.file.table)
    for name, boxes in _checkbox_groups(source).items():
        texts = {comparison_key(label) for label in boxes.values()}
        categories = [column for column, variable in known.items() if variable.type == "category"]
        column = next((column for column in categories if texts <= set(synonyms_of(known[column]))), None)
        if column is None:
            decisions.append(f"{source.file.path}: which variable are the boxes of {name!r}, or none?")
            continue
        levels = synonyms_of(known[column])
        meaning = {box: levels[comparison_key(label)] for box, label in boxes.items()}
        pairs = (f"{json.dumps(box, ensure_ascii=False)} = {json.dumps(level)}" for box, level in meaning.items())
        lines.append(f"{column} = {{ {', '.join(pairs)} }}  # its choices are the values of this variable")
    return (["[files.checkboxes]"] if lines else []) + lines


def _checkbox_groups(source: Source) -> dict[str, dict[str, str]]:
    """Return the boxes of each checkbox field: header -> label of the choice."""
    groups: dict[str, dict[str, str]] = {}
    used = {match.header for match in source.matches}
    for header in (header for header in source.grid.headers if header in used):
        found = CHECKBOX.fullmatch(header)
        if not found:
            continue
        if found[3]:
            groups.setdefault(found[3], {})[header] = found[4]
        elif found[1] in source.fields:
            groups.setdefault(found[1], {})[header] = source.fields[found[1]].choices.get(found[2], "")
    return groups


def _value_lines(source: Source, shared: list[Proposal], decisions: list[str]) -> list[str]:
    """List values that nobody explains, with empty places to say what they mean."""
    lines = []
    known = variables(source.file.table)
    headers = {name: header for header, name in _columns(source).items()}
    for name, texts in _by_column(source).items():
        choices = dict(source.fields[headers[name]].choices) if headers[name] in source.fields else {}
        choices |= source.opened.choices.get(headers[name], {})
        strange = unexplained_values(texts, known[name], CellDialect(choices=choices))
        if not len(strange):
            continue
        lines.append(f"[files.values.{name}]")
        accepted = expected_text(known[name])
        for text, count in strange.head(MOST_VALUES).items():
            label = f" ({choices[text]})" if text in choices else ""
            lines.append(f'# CONFIRM {json.dumps(text, ensure_ascii=False)} = ""  # in {count} rows{label}; {accepted}')
        shown = ", ".join(repr(text) for text in np.array(strange.index[:5]).tolist())
        decisions.append(f"{source.file.path}: what do these values of {name} mean: {shown}?")
    return lines
