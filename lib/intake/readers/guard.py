"""What a file really is, and whether it is safe to open: decided from its first bytes and its table of contents."""

from __future__ import annotations

import zipfile
from pathlib import Path

from intake.readers.grid import ReadProblem

LARGEST_UNPACKED = 2**30
LARGEST_RATIO = 200
SMALL_UNPACKED = 32 * 2**20
MOST_MEMBERS = 10_000
SIGNATURES = (
    (b"PK\x03\x04", "zip"), (b"\xd0\xcf\x11\xe0", "xls"), (b"PAR1", "parquet"), (b"%PDF", "pdf"), (b"$FL2", "spss"),
    (b"$FL3", "spss"), (b"\x89PNG", "picture"), (b"\x1f\x8b", "gzip"), (b"7z\xbc\xaf", "7z"), (b"Rar!", "rar"),
    (b"{\\rtf", "rtf"), (b"\xff\xd8\xff", "picture"),
)  # fmt: skip
NAMES = {
    "zip": "an archive or spreadsheet (xlsx, ods)", "xls": "an old Excel or encrypted file (xls)",
    "parquet": "Parquet", "pdf": "PDF", "spss": "SPSS", "picture": "a picture", "gzip": "a compressed file (gz)",
    "7z": "a compressed file (7z)", "rar": "a compressed file (rar)", "rtf": "a text document (rtf)",
}  # fmt: skip
EXPECTED = {"xlsx": "zip", "xls": "xls", "ods": "zip", "parquet": "parquet"}


def check_signature(path: Path, file_format: str) -> None:
    """Refuse a file whose first bytes are of another kind than its format.

    Raises
    ------
    ReadProblem
        `file_format_wrong`, naming what the file seems to be; `file_empty` without any byte.
    """
    with path.open("rb") as stream:
        start = stream.read(8)
    if not start:
        raise ReadProblem("file_empty")
    kind = next((kind for signature, kind in SIGNATURES if start.startswith(signature)), "")
    wanted = EXPECTED.get(file_format, "spss" if file_format == "spss" and kind == "spss" else "")
    if kind != wanted:
        seems = NAMES.get(kind, "no such file")
        raise ReadProblem("file_format_wrong", f"read as {file_format}, but the file is {seems}")


def check_archive(path: Path, largest: int = LARGEST_UNPACKED) -> None:
    """Refuse an archive that would unpack into far more than it is, before anything is unpacked.

    Raises
    ------
    ReadProblem
        `archive_expands_too_much`, or `file_unreadable` for a broken archive.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            for member in members[:MOST_MEMBERS]:
                _check_entities(archive, member)
    except (zipfile.BadZipFile, zipfile.LargeZipFile, EOFError, OSError, RuntimeError, NotImplementedError, ValueError):
        raise ReadProblem("file_unreadable", "the archive is broken or encrypted") from None
    unpacked = sum(member.file_size for member in members)
    packed = max(1, path.stat().st_size)
    bomb = unpacked > SMALL_UNPACKED and unpacked / packed > LARGEST_RATIO
    if unpacked > largest or len(members) > MOST_MEMBERS or bomb:
        raise ReadProblem(
            "archive_expands_too_much", f"{packed / 2**20:.1f} MiB would unpack to {unpacked / 2**20:.0f} MiB"
        )


def _check_entities(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
    """Refuse XML that declares entities: no spreadsheet needs them, and they can be made to explode."""
    if member.filename.endswith((".xml", ".rels")):
        with archive.open(member) as stream:
            start = stream.read(4096)
        if b"<!DOCTYPE" in start or b"<!ENTITY" in start:
            raise ReadProblem("file_unreadable", "the spreadsheet declares XML entities")
