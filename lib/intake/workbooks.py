"""Workbooks as bytes that say nothing about when they were written: the same content gives the same bytes."""

from __future__ import annotations

import io
import re
import zipfile

from openpyxl import Workbook

EARLIEST = (1980, 1, 1, 0, 0, 0)
STAMP = b"2025-04-09T00:00:00Z"


def workbook_bytes(book: Workbook) -> bytes:
    """Return a workbook as bytes.

    Members are stored without compression, since compressed bytes differ between versions of the library.

    Examples
    --------
    >>> workbook_bytes(Workbook()) == workbook_bytes(Workbook())
    True
    """
    raw, fixed = io.BytesIO(), io.BytesIO()
    book.save(raw)
    with zipfile.ZipFile(raw) as source, zipfile.ZipFile(fixed, "w", zipfile.ZIP_STORED) as target:
        for name in source.namelist():
            content = source.read(name)
            if name == "docProps/core.xml":
                content = re.sub(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", STAMP, content)
            target.writestr(zipfile.ZipInfo(name, EARLIEST), content)
    return fixed.getvalue()
