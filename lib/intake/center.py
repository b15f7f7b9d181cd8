"""`center.toml`: how one center's export is read, as a validated, frozen description."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from pydantic import Field, ValidationError, ValidationInfo, field_validator

from fhrmm.errors import StudyError, nearest
from fhrmm.schema import TABLES
from fhrmm.study import Frozen, list_problems
from intake.contract import LONG, variables
from intake.values.units import known_units, normalize_unit

Format = Literal[
    "csv", "tsv", "xlsx", "xls", "ods", "parquet", "redcap_raw", "redcap_label", "spss", "stata", "sas"
]  # fmt: skip
FORMAT_BY_EXTENSION: dict[str, Format] = {
    ".csv": "csv", ".txt": "csv", ".tsv": "tsv", ".tab": "tsv", ".xlsx": "xlsx", ".xlsm": "xlsx", ".xls": "xls",
    ".ods": "ods", ".parquet": "parquet", ".sav": "spss", ".zsav": "spss", ".dta": "stata", ".sas7bdat": "sas",
    ".xpt": "sas",
}  # fmt: skip
FILE_NAME, PROPOSED = "center.toml", "center.proposed.toml"
CANONICAL_EXTENSIONS = (".csv", ".tsv", ".xlsx", ".xls", ".parquet")


class _Dialect(Frozen):
    """How text becomes values. Given for the center, and again for a file that differs.

    What is absent is detected where that is unambiguous, and reported as an error where it is not.
    """

    encoding: str | None = None
    separator: str | None = Field(default=None, min_length=1, max_length=1)
    decimal: Literal[".", ","] | None = None
    thousands: Literal[".", ",", " ", "'"] | None = None
    date_order: Literal["dmy", "mdy", "ymd"] | None = None
    missing: tuple[str, ...] = ()
    excel_epoch: Literal[1900, 1904] | None = None

    @field_validator("encoding")
    @classmethod
    def _encoding_exists(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                "".encode(value)
            except LookupError:
                raise ValueError(f"unknown encoding {value!r}; usual are utf-8, cp1252, utf-16") from None
        return value

    @field_validator("thousands")
    @classmethod
    def _marks_differ(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is not None and value == info.data.get("decimal"):
            raise ValueError("the thousands mark cannot be the decimal mark")
        return value


class SharedDate(Frozen):
    """One column of dates that are an event where another column says so, and something else where it does not.

    The usual one: the date of death or last contact, beside "dead" or "alive".
    """

    date: str
    status: str
    event: str
    always: str | None = None
    yes: tuple[str, ...] = ()
    no: tuple[str, ...] = ()


class CenterFile(_Dialect):
    """One table inside one export file.

    `where` selects rows by what stands under some headers (with ``*`` for any text), `fill_down` names headers whose
    empty cells repeat the one above, and `completes` marks a file that adds columns to the patients of another one.
    """

    path: str
    table: Literal["patients", "assessments", "adverse_events", "lines", "laboratory"]
    completes: bool = False
    where: dict[str, str | tuple[str, ...]] = Field(default_factory=dict)
    fill_down: tuple[str, ...] = ()
    lines_by: Literal["number", "order"] = "number"
    new_line_after_days: int = Field(default=0, ge=0, le=365)
    format: Format | None = None
    sheet: str | None = None
    header_rows: int = Field(default=1, ge=1, le=10)
    skip_rows: int = Field(default=0, ge=0, le=1000)
    dictionary: str | None = None
    events: str | None = None
    instrument: str | None = None
    columns: dict[str, str] = Field(default_factory=dict)
    values: dict[str, dict[str, str]] = Field(default_factory=dict)
    units: dict[str, str] = Field(default_factory=dict)
    uln: dict[str, float] = Field(default_factory=dict)
    checkboxes: dict[str, dict[str, str]] = Field(default_factory=dict)
    shared_dates: tuple[SharedDate, ...] = ()

    @field_validator("path", "dictionary", "events")
    @classmethod
    def _inside_the_folder(cls, value: str | None) -> str | None:
        parts = PurePosixPath((value or "").replace("\\", "/"))
        if parts.is_absolute() or ".." in parts.parts or ":" in (value or ""):
            raise ValueError("the path must lie inside the center folder")
        return value

    @field_validator("columns")
    @classmethod
    def _columns_are_canonical(cls, value: dict[str, str], info: ValidationInfo) -> dict[str, str]:
        return _require_columns(value, filter(None, value.values()), info)  # an empty one says: none

    @field_validator("shared_dates")
    @classmethod
    def _events_are_columns(cls, value: tuple[SharedDate, ...], info: ValidationInfo) -> tuple[SharedDate, ...]:
        dates = {name for name, known in variables(info.data.get("table", "patients")).items() if known.type == "date"}
        named = [name for item in value for name in (item.event, item.always) if name]
        wrong = [f"{name!r} is no date{nearest(name, dates)}" for name in named if name not in dates]
        wrong += [f"{name!r} stands under files.columns too" for name in named if name in info.data["columns"].values()]
        wrong += [f"{item.always!r} is an event, and not always so" for item in value if item.always == "death_date"]
        _refuse({}, wrong)
        return value

    @field_validator("values", "checkboxes")
    @classmethod
    def _keys_are_canonical(cls, value: dict[str, dict[str, str]], info: ValidationInfo) -> dict[str, dict[str, str]]:
        _require_columns(value, value, info)
        _require_levels(value, info)
        return value

    @field_validator("units")
    @classmethod
    def _units_are_known(cls, value: dict[str, str], info: ValidationInfo) -> dict[str, str]:
        _require_columns(value, value, info)
        wrong = [
            f"{column}: unit {unit!r} is not known; known are {', '.join(known_units(column)) or 'none'}"
            for column, unit in value.items()
            if normalize_unit(unit) not in {normalize_unit(name) for name in known_units(column)}
        ]
        return _refuse(value, wrong)

    @field_validator("uln")
    @classmethod
    def _limits_are_positive(cls, value: dict[str, float], info: ValidationInfo) -> dict[str, float]:
        wrong = [f"{column}: only ldh_uln_u_l can be given" for column in value if column != "ldh_uln_u_l"]
        wrong += [f"{column}: {limit} is not a positive limit" for column, limit in value.items() if limit <= 0]
        return _refuse(value, wrong)

    @property
    def resolved_format(self) -> Format | None:
        """The declared format, or the one the extension stands for."""
        return self.format or FORMAT_BY_EXTENSION.get(Path(self.path).suffix.lower())


class RedcapServer(Frozen):
    """Where `--fetch-redcap` finds the project; the token never stands in a file."""

    url: str = Field(pattern=r"^https://.+/api/$|^http://(localhost|127\.0\.0\.1)(:\d+)?/api/$")


class Center(_Dialect):
    """One center: its dialect and its files."""

    id: str | None = None
    redcap: RedcapServer | None = None
    files: tuple[CenterFile, ...] = Field(min_length=1)


def load_center(folder: Path, name: str = FILE_NAME) -> Center:
    """Return the description of a center folder.

    Every file carries the center's dialect where it does not give its own. Without `center.toml` the files with
    canonical names (`patients.csv`, `assessments.xlsx`, ...) are taken.

    Raises
    ------
    StudyError
        If `center.toml` is not TOML, or has any value that is unknown or contradictory: all of them at once; or if
        there is neither a `center.toml` nor a file with a canonical name.
    """
    path = folder / name
    if not path.is_file():
        return _canonical_center(folder)
    try:
        center = Center.model_validate(tomllib.loads(path.read_text(encoding="utf-8-sig")))
    except ValidationError as error:
        raise StudyError(list_problems(_describe(error), f"{folder.name}/{name}")) from None
    except (ValueError, RecursionError) as error:  # of numbers with thousands of digits and of deep nesting as well
        raise StudyError(f"{folder.name}/{name}: not readable as TOML: {error!s:.200}") from None
    except OSError:
        raise StudyError(f"{folder.name}/{name}: the system refuses to open it") from None
    if center.id not in (None, folder.name):
        raise StudyError(f"{folder.name}/center.toml: id {center.id!r} is not the folder's name; rename one of the two")
    return _with_dialects(center)


def _describe(error: ValidationError) -> list[str]:
    """Say every problem of a `center.toml`, each unknown name with the nearest one that there is."""
    found = error.errors(include_url=False)
    of_files = any(item["loc"][:1] == ("files",) and len(item["loc"]) > 1 for item in found)
    told = [item for item in found if not (of_files and item["type"] == "too_short" and item["loc"] == ("files",))]
    return [f"{'.'.join(map(str, item['loc']))}: {_say(item)}" for item in told]


def _say(item: Mapping[str, Any]) -> str:
    if item["type"] == "extra_forbidden":
        known = CenterFile.model_fields if item["loc"][0] == "files" else Center.model_fields
        return "no such name" + (nearest(str(item["loc"][-1]), known) or f"; there are {', '.join(known)}")
    if item["type"] == "missing":
        return "has to be given"
    if item["type"] == "value_error":
        return item["msg"].removeprefix("Value error, ")
    return f"{item['msg']} (found {item.get('input')!r:.60})"


def _with_dialects(center: Center) -> Center:
    """Give every file the center's dialect where it has none of its own."""
    shared = {name: getattr(center, name) for name in _Dialect.model_fields}
    files = tuple(
        file.model_copy(update={name: value for name, value in shared.items() if not getattr(file, name)})
        for file in center.files
    )
    return center.model_copy(update={"files": files})


def _canonical_center(folder: Path) -> Center:
    """Describe a folder without `center.toml` by its canonical file names."""
    found = {
        table: [
            path.name
            for path in sorted(folder.iterdir())
            if path.stem.lower() == table and path.suffix.lower() in CANONICAL_EXTENSIONS
        ]
        for table in (*TABLES, *LONG)
    }
    twice = [" and ".join(names) for names in found.values() if len(names) > 1]
    if twice:
        raise StudyError(f"{folder.name}: several files for one table ({'; '.join(twice)}); keep one of each")
    if not found["patients"]:
        there = ", ".join(sorted(path.name for path in folder.iterdir())) or "nothing"
        raise StudyError(
            f"{folder.name}: neither center.toml nor a patients.csv, .tsv, .xlsx, .xls or .parquet; the folder has"
            f" {there}. `python run_all.py --init-center FOLDER` writes a first center.toml"
        )
    return Center(files=tuple(CenterFile(path=names[0], table=table) for table, names in found.items() if names))


def _require_columns(value: dict, columns: Iterable[str], info: ValidationInfo) -> dict:
    """Refuse names that are not canonical columns of the file's table, with the nearest one."""
    table = info.data.get("table")
    if table is None:
        return value
    known = list(variables(table))
    wrong = [f"{name!r} is no column of {table}{nearest(name, known)}" for name in columns if name not in known]
    return _refuse(value, wrong)


def _require_levels(value: dict[str, dict[str, str]], info: ValidationInfo) -> None:
    """Refuse canonical values that the column does not have; an empty one means missing."""
    known = variables(info.data.get("table", "patients"))
    wrong = []
    for column, mapping in value.items():
        levels = known[column].levels if column in known else ()
        wanted = {part for level in mapping.values() for part in level.split("|")} - {""}
        wrong += [f"{column}: {x!r} is none of {'|'.join(levels)}" for x in sorted(wanted - set(levels)) if levels]
    _refuse(value, wrong)


def _refuse(value: dict, problems: list[str]) -> dict:
    if problems:
        raise ValueError("; ".join(problems))
    return value
