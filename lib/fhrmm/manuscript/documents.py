"""Word documents: three-line tables, headings, paragraphs; the same content gives the same bytes."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from datetime import datetime

from docx import Document
from docx.document import Document as WordDocument
from docx.enum.section import WD_ORIENT
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import OxmlElement, parse_xml
from docx.oxml.ns import nsdecls
from docx.oxml.table import CT_Row, CT_Tbl
from docx.shared import Mm, Pt
from docx.table import Table
from docx.text.paragraph import Paragraph

from fhrmm.tables import Cells

_LONG_AGO = (1980, 1, 1, 0, 0, 0)
_WIDE_FROM = 6
_NARROWEST, _WIDEST, _MARGINS = 7, 45, 2
_BOLD = 1.2  # a bold letter beside an average one
_INDENT = Mm(3)


class Paper:
    """A document being written.

    Parameters
    ----------
    header : str
        Stands on every page: what the data are.
    is_wide : bool
        Whether the page lies on its side.
    """

    def __init__(self, header: str, *, is_wide: bool = False) -> None:
        self._document: WordDocument = Document()
        self._document.styles["Normal"].font.name = "Arial"
        self._document.styles["Normal"].font.size = Pt(9.5)
        section = self._document.sections[0]
        section.page_width, section.page_height = (Mm(297), Mm(210)) if is_wide else (Mm(210), Mm(297))
        section.orientation = WD_ORIENT.LANDSCAPE if is_wide else WD_ORIENT.PORTRAIT
        section.left_margin = section.right_margin = section.top_margin = section.bottom_margin = Mm(18)
        section.header.paragraphs[0].text = header
        section.header.paragraphs[0].runs[0].bold = True

    def heading(self, text: str, level: int = 1) -> None:
        """Write a heading."""
        self._document.add_heading(text, level)

    def paragraph(self, text: str, *, lead: str = "", is_small: bool = False) -> None:
        """Write a paragraph; `lead` stands in bold before it."""
        paragraph = self._document.add_paragraph()
        paragraph.add_run(f"{lead} " if lead else "").bold = True
        paragraph.add_run(text)
        paragraph.paragraph_format.space_after = Pt(2 if is_small else 6)
        for run in paragraph.runs if is_small else ():
            run.font.size = Pt(8)

    def table(self, cells: Cells, caption: str) -> None:
        """Write a caption and under it a table with three lines, its head repeated on every page."""
        self._document.add_paragraph().add_run(caption).bold = True
        self._document.paragraphs[-1].paragraph_format.keep_with_next = True
        columns = [str(name) for name in cells.text.columns]
        table = self._document.add_table(rows=0, cols=max(len(columns), 1))
        table.autofit = False
        numeric = [place > 0 and name in cells.numeric for place, name in enumerate(columns)]
        _fill(table, columns, numeric, is_head=True)
        current = ""
        groups = cells.group or ("",) * len(cells.text)
        for group, values in zip(groups, cells.text.to_numpy(dtype=object), strict=True):
            if group and group != current:
                row = table.add_row().cells
                _write(row[0].merge(row[-1]).paragraphs[0], group, is_bold=True)
            current = group
            _fill(table, [str(value) for value in values], numeric, is_indented=bool(group))
        if cells.text.empty:
            table.add_row().cells[0].text = "No rows"
        section = self._document.sections[0]
        width = int(section.page_width - section.left_margin - section.right_margin)  # type: ignore[operator]
        widths = _share(cells, width)
        for column, share in zip(table.columns, widths, strict=True):
            column.width = share
        _dress(self._document.element.body.tbl_lst[-1], widths)

    def to_bytes(self) -> bytes:
        """Return the file, without author, time of writing or machine."""
        properties = self._document.core_properties
        properties.author = properties.last_modified_by = properties.comments = properties.keywords = ""
        properties.title = properties.subject = ""
        properties.created = properties.modified = datetime(*_LONG_AGO)  # says nothing: equal content, equal bytes
        properties.revision = 1
        raw = io.BytesIO()
        self._document.save(raw)
        return _without_times(raw)


def is_wide(cells: Sequence[Cells]) -> bool:
    """Say whether tables need a page that lies on its side."""
    return any(len(each.text.columns) >= _WIDE_FROM for each in cells)


def _share(cells: Cells, width: int) -> list[int]:
    """Divide the width of the text among the columns by the length of what stands in them, within bounds."""
    wanted = [
        max([_NARROWEST, _BOLD * max(map(len, str(name).split())), *cells.text[name].astype(str).str.len()])
        for name in cells.text.columns
    ]
    bounded = [min(int(length), _WIDEST) + _MARGINS for length in wanted]
    return [width * length // sum(bounded) for length in bounded]


def _without_times(raw: io.BytesIO) -> bytes:
    """Write the members of a zip file again, all at one time."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(raw) as source, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            member = zipfile.ZipInfo(name, _LONG_AGO)
            member.compress_type = zipfile.ZIP_DEFLATED
            member.create_system = 0
            target.writestr(member, source.read(name))
    return buffer.getvalue()


def _fill(
    table: Table, values: Sequence[str], numeric: Sequence[bool], *, is_head: bool = False, is_indented: bool = False
) -> None:
    for place, (cell, value) in enumerate(zip(table.add_row().cells, values, strict=True)):
        paragraph = cell.paragraphs[0]
        _write(paragraph, value, is_bold=is_head)
        if numeric[place]:
            paragraph.alignment = WD_ALIGN_PARAGRAPH.RIGHT
        if is_indented and place == 0:
            paragraph.paragraph_format.left_indent = _INDENT


def _write(paragraph: Paragraph, text: str, *, is_bold: bool = False) -> None:
    run = paragraph.add_run(text)
    run.bold = is_bold or None
    run.font.size = Pt(8)
    paragraph.paragraph_format.space_after = Pt(0)


def _dress(table: CT_Tbl, widths: Sequence[int]) -> None:
    """Keep rows whole, repeat the head on every page, draw the three lines, set the widths of cells."""
    rows = table.tr_lst
    for row in rows:
        row.get_or_add_trPr().append(OxmlElement("w:cantSplit"))
        # Some programs read the widths of columns, some those of cells; merged cells have none of their own.
        for cell, width in zip(row.tc_lst, widths, strict=True) if len(row.tc_lst) == len(widths) else ():
            cell.width = width
    rows[0].get_or_add_trPr().append(OxmlElement("w:tblHeader"))
    _line(rows[0], top=12, bottom=6)
    _line(rows[-1], bottom=12)


def _line(row: CT_Row, **widths: int) -> None:
    lines = "".join(f'<w:{side} w:val="single" w:sz="{width}" w:space="0"/>' for side, width in widths.items())
    for cell in row.tc_lst:
        cell.get_or_add_tcPr().append(parse_xml(f"<w:tcBorders {nsdecls('w')}>{lines}</w:tcBorders>"))
