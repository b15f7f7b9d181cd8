"""A REDCap project fetched through its API before a run: what came becomes files of the center, which the run reads."""

from __future__ import annotations

import csv
import io
import tomllib
from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from fhrmm.errors import StudyError
from intake.center import FILE_NAME, RedcapServer

TOKEN = "REDCAP_API_TOKEN"
RECORDS, METADATA, EVENTS = "redcap_records.csv", "redcap_metadata.csv", "redcap_events.csv"
SECONDS = 60


def fetch_project(folder: Path, token: str, seconds: float = SECONDS) -> list[str]:
    """Fetch records, data dictionary and, of a longitudinal project, which event has which form; name the files.

    The address stands in `center.toml` (``redcap.url``). The token is sent to it and written nowhere. Files are
    replaced once everything has come; they are those of a raw export.

    Raises
    ------
    StudyError
        Without address, token or the client library, and for whatever the server answers in place of the data.
    """
    try:
        from redcap import Project, RedcapError
    except ImportError:
        raise StudyError("PyCap is not installed: python -m pip install 'fhrmm-compendium[redcap]'") from None
    url = read_address(folder)
    if not token:
        raise StudyError(
            f"no token: set the environment variable {TOKEN} to the project's API token, for this run only"
        )
    try:
        project = Project(url, token, timeout=seconds)
        records = project.export_records(format_type="json", event_name="unique", export_data_access_groups=True)
        content = {METADATA: project.export_metadata(format_type="json"), RECORDS: records}
        if records and "redcap_event_name" in records[0]:
            content[EVENTS] = project.export_instrument_event_mappings(format_type="json")
    except RedcapError as error:
        raise StudyError(f"{url}: {_say(error, seconds)}".replace(token, "(token)")) from None
    except (AssertionError, ValueError, TypeError) as error:
        raise StudyError(f"{url}: no such address or token: {error}".replace(token, "(token)")) from None
    for name, rows in content.items():
        if not rows:
            raise StudyError(f"{url}: the project gave nothing for {name}; may this token export data?")
        (folder / name).write_text(_as_csv(rows), encoding="utf-8", newline="")
    return list(content)


def read_address(folder: Path) -> str:
    """Return the address of the API that `center.toml` names; the rest of it may still have to be written."""
    try:
        content = tomllib.loads((folder / FILE_NAME).read_text(encoding="utf-8-sig"))
        return RedcapServer.model_validate(content.get("redcap", {})).url
    except (OSError, ValueError) as error:
        said = error.errors()[0]["msg"] if isinstance(error, ValidationError) else "not readable"
        example = 'redcap = { url = "https://redcap.example.org/api/" }'
        raise StudyError(
            f"{folder.name}/{FILE_NAME} needs the address of the API, such as {example} ({said})"
        ) from None


def _say(error: Exception, seconds: float) -> str:
    kind, said = type(error).__name__, error.args[0] if error.args else ""
    if "Timeout" in kind:
        return f"no answer within {seconds:g} seconds; try again, or export a file"
    if isinstance(said, dict):
        return f"the server says: {said.get('error', '')!s:.200}"
    if "JSON" in kind:
        return "the answer is not JSON: is this the address of the API (it ends with /api/)?"
    return f"not reachable ({kind})"


def _as_csv(rows: Sequence[dict]) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, list(dict.fromkeys(name for row in rows for name in row)), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()
