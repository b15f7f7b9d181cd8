"""Parameters of notebooks: read from their parameters cell, typed, ranged and checked before anything runs.

A parameters cell holds plain lines ``name: type = default  # help``. The help may end in limits, each after a
semicolon: ``; 6 to 36`` (inclusive range), ``; one of a|b|c``, ``; at least 3`` or ``; at most other_parameter``.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from notebookrun.errors import DeclarationError, MisuseError
from notebookrun.wording import shortened, unknown

KINDS: dict[str, type] = {"str": str, "int": int, "float": float, "bool": bool}
_NUMBER = r"[-+]?\d+(?:\.\d+)?"
_LIMITS = re.compile(
    rf"(?P<from>{_NUMBER}) to (?P<to>{_NUMBER})|one of (?P<choices>\S+)"
    rf"|at least (?P<least>{_NUMBER}|[A-Za-z_]\w*)|at most (?P<most>{_NUMBER}|[A-Za-z_]\w*)"
)
MOST_BYTES, MOST_LEVELS = 65536, 5  # of a file of parameters
_TRUE, _FALSE, _NONE = {"true", "yes", "1"}, {"false", "no", "0"}, {"none", "null", ""}

Value = str | int | float | bool | None


@dataclass(frozen=True)
class Parameter:
    """One parameter of a notebook.

    Attributes
    ----------
    name : str
        As written in the notebook and on the command line.
    kind : str
        ``str``, ``int``, ``float`` or ``bool``.
    default : str, int, float, bool or None
        None means that the notebook decides.
    help : str
        What it means, in words.
    least, most : str or None
        Inclusive limits: a number, or another parameter that bounds this one.
    choices : tuple of str
        Allowed values; empty if any is.
    notebooks : tuple of str
        Who has it.
    """

    name: str
    kind: str
    default: Value
    help: str = ""
    least: str | None = None
    most: str | None = None
    choices: tuple[str, ...] = ()
    notebooks: tuple[str, ...] = ()


def read_parameters(source: str, notebook: str = "") -> dict[str, Parameter]:
    """Read the parameters cell of a notebook.

    Parameters
    ----------
    source : str
        Source of the cell.
    notebook : str
        Name of the notebook, for messages and the `notebooks` attribute.

    Returns
    -------
    dict of str to Parameter
        In the order of the cell.

    Raises
    ------
    DeclarationError
        If a line is not ``name: type = default``, or a default contradicts its own type or limits.

    Examples
    --------
    >>> cell = "window_months: int = None  # months after ASCT; 6 to 36"
    >>> read_parameters(cell)["window_months"].most
    '36'
    """
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    comments = {t.start[0]: t.string.lstrip("# ").strip() for t in tokens if t.type == tokenize.COMMENT}
    found, problems = {}, []
    for statement in ast.parse(source).body:
        try:
            parameter = _read_line(statement, comments.get(statement.lineno, ""))
            found[parameter.name] = replace(parameter, notebooks=(notebook,) if notebook else ())
        except ValueError as error:
            problems.append(f"{notebook or 'parameters cell'}, line {statement.lineno}: {error}")
    if problems:
        raise DeclarationError(problems)
    return found


def _read_line(statement: ast.stmt, comment: str) -> Parameter:
    if not isinstance(statement, ast.AnnAssign) or statement.value is None:
        raise ValueError("expected `name: type = default  # help`")
    if not isinstance(statement.target, ast.Name):
        raise ValueError("expected a plain name before the colon")
    name, kind = statement.target.id, ast.unparse(statement.annotation)
    if kind not in KINDS:
        raise ValueError(f"{name}: type {kind!r} is not one of {', '.join(KINDS)}")
    try:
        default = ast.literal_eval(statement.value)
    except ValueError:
        raise ValueError(f"{name}: the default must be a literal; derive values in a later cell") from None
    parameter = _with_limits(Parameter(name, kind, default), comment)
    _check(parameter, default, "default of ")
    return parameter


def _with_limits(parameter: Parameter, comment: str) -> Parameter:
    """Split a comment into help and limits."""
    words: list[str] = []
    for part in (piece.strip() for piece in comment.split(";")):
        if match := _LIMITS.fullmatch(part):
            least, most = match["from"] or match["least"], match["to"] or match["most"]
            choices = tuple(match["choices"].split("|")) if match["choices"] else parameter.choices
            limits = {"least": least or parameter.least, "most": most or parameter.most, "choices": choices}
            parameter = replace(parameter, **limits)
        else:
            words.append(part)
    return replace(parameter, help="; ".join(words))


def _check(parameter: Parameter, value: Value, of: str = "") -> None:
    """Raise a ValueError that says what is wrong with a value."""
    expected, said = KINDS[parameter.kind], f"{of}{parameter.name}: {shortened(value)}"
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if value is None:
        return
    if type(value) is not expected and not (expected is float and is_number):
        raise ValueError(f"{said} is not of type {parameter.kind}")
    if parameter.choices and str(value) not in parameter.choices:
        raise ValueError(f"{said} is not one of {', '.join(parameter.choices)}")
    limits = (parameter.least or "", parameter.most or "")
    low, high = (limit if re.fullmatch(_NUMBER, limit) else "" for limit in limits)
    if is_number and ((low and not value >= float(low)) or (high and not value <= float(high))):
        raise ValueError(f"{said} is out of range, expected {describe_range(parameter)}")


def describe_range(parameter: Parameter) -> str:
    """Return the limits of a parameter in words; empty if it has none.

    Examples
    --------
    >>> describe_range(Parameter("n", "int", None, least="6", most="36"))
    '6 to 36'
    """
    least, most, choices = parameter.least, parameter.most, parameter.choices
    words = [f"{least} to {most}"] if least and most else [f"at least {least}"] if least else []
    words += [f"at most {most}"] if most and not least else []
    return "; ".join([*words, *([f"one of {', '.join(choices)}"] if choices else [])])


def merge_parameters(tables: Iterable[Mapping[str, Parameter]]) -> dict[str, Parameter]:
    """Join the parameters of several notebooks; one name must mean one thing.

    Raises
    ------
    DeclarationError
        If two notebooks give the same name different types, limits or defaults.
    """
    merged: dict[str, Parameter] = {}
    problems = []
    for table in tables:
        for name, parameter in table.items():
            first = merged.setdefault(name, parameter)
            if first is parameter:
                continue
            if replace(first, notebooks=(), help="") != replace(parameter, notebooks=(), help=""):
                who = f"{', '.join(first.notebooks)} and {', '.join(parameter.notebooks)}"
                problems.append(f"parameter {name!r} is declared differently in {who}")
            merged[name] = replace(first, notebooks=first.notebooks + parameter.notebooks)
    if problems:
        raise DeclarationError(problems)
    return merged


def parse_value(parameter: Parameter, text: str) -> Value:
    """Turn a word of the command line into a value of the parameter's type.

    Raises
    ------
    ValueError
        If the word is not of that type.
    """
    word = text.strip()
    if parameter.kind == "str":
        return None if word.casefold() in {"none", "null"} and parameter.default is None else text
    if word.casefold() in _NONE and parameter.default is None:
        return None
    if parameter.kind == "bool":
        if word.casefold() not in _TRUE | _FALSE:
            raise ValueError(f"{parameter.name}: {shortened(text)} is not of type bool (true or false)")
        return word.casefold() in _TRUE
    try:
        return KINDS[parameter.kind](word)
    except ValueError:
        raise ValueError(f"{parameter.name}: {shortened(text)} is not of type {parameter.kind}") from None


def read_yaml(option: str, path: Path) -> dict[str, Any]:
    """Return the `name: value` lines of a file, whose few bytes may not stand for gigabytes.

    Raises
    ------
    MisuseError
        If it cannot be read as such, in one sentence.
    """
    import yaml

    try:
        with path.open("rb") as stream:
            text = stream.read(MOST_BYTES + 1)
        if len(text) > MOST_BYTES:
            raise MisuseError([f"{option} {path.name}: expected at most {MOST_BYTES // 1024} kB"])
        depth = 0
        for event in yaml.parse(text):
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if isinstance(event, yaml.AliasEvent) or depth > MOST_LEVELS:
                raise MisuseError([f"{option} {path.name}: aliases (`*name`) and deep nesting are not taken"])
        content = yaml.safe_load(text) or {}
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise MisuseError([f"{option} {path.name}: not readable as YAML ({type(error).__name__})"]) from None
    if not isinstance(content, dict):
        raise MisuseError([f"{option} {path.name}: expected `name: value` lines"])
    return {str(name): value for name, value in content.items()}


def check_values(
    parameters: Mapping[str, Parameter],
    typed: Mapping[str, Any],
    words: Sequence[tuple[str, str]] = (),
    reserved: Mapping[str, str] | None = None,
) -> tuple[dict[str, Value], list[str]]:
    """Check given values against the declarations.

    Parameters
    ----------
    parameters : mapping of str to Parameter
        All known parameters.
    typed : mapping
        Values with a type, as read from a YAML file.
    words : sequence of (name, text)
        Values as typed on the command line.
    reserved : mapping of str to str, optional
        Parameters that only an option sets, and which option.

    Returns
    -------
    values : dict
        Those that are right.
    problems : list of str
        Everything that is wrong, at once.
    """
    values: dict[str, Value] = {}
    problems: list[str] = []
    for name, given in [*typed.items(), *words]:
        if reserved and name in reserved:
            problems.append(f"parameter {name!r} is set by {reserved[name]}, not by -p or -f")
        elif name not in parameters:
            problems.append(unknown("parameter", name, set(parameters) - set(reserved or {})))
        else:
            try:
                value = parse_value(parameters[name], given) if (name, given) in words else given
                _check(parameters[name], value)
            except ValueError as error:
                problems.append(str(error))
                continue
            if values.setdefault(name, value) != value:
                problems.append(f"parameter {name!r} is given twice, as {values[name]!r} and as {value!r}")
    return values, problems + _crossed(parameters, values)


def _crossed(parameters: Mapping[str, Parameter], values: Mapping[str, Value]) -> list[str]:
    """Check parameters that bound each other."""
    problems = []
    everything = {name: values.get(name, p.default) for name, p in parameters.items()}
    for name, parameter in parameters.items():
        for other, sign, word in ((parameter.least, 1, "least"), (parameter.most, -1, "most")):
            mine, bound = everything[name], everything.get(other or "")
            if mine is not None and bound is not None and sign * (mine - bound) < 0:  # type: ignore[operator]
                problems.append(f"{name} is {mine} but must be at {word} {other}, which is {bound}")
    return problems
