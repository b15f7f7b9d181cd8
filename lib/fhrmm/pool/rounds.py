"""The coordinator's side: members, requests, answers that are all there or not, and what the sums say.

Everything is read again from the files of the folder and checked again; the coordinator keeps nothing but a key.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from fhrmm.errors import StudyError
from fhrmm.pool.answer import COUNTED, sizes, split_sums
from fhrmm.pool.effects import estimate_models
from fhrmm.pool.files import (
    code_entries,
    last_request,
    plan_entries,
    read_all,
    read_file,
    read_or_make_keys,
    write_json,
)
from fhrmm.pool.masks import Words, from_fixed
from fhrmm.pool.models import Fit, follow
from fhrmm.pool.protocol import Keys, Message, check_signature, digest, read_bytes, seal
from fhrmm.pool.question import first_round
from fhrmm.pool.results import Counts, estimate_baseline, estimate_response, estimate_survival, tabulate_flow
from fhrmm.study import Study
from fhrmm.wording import counted
from timetoevent.checks import FloatArray

LEAST_MEMBERS = 3
_WHOLE = 1e-3


@dataclass(frozen=True)
class State:
    """A pooled study as its folder shows it.

    Attributes
    ----------
    request : dict or None
        The latest request; None before the first.
    members : dict
        Public keys by center: of the roster, or of those who joined if nothing was asked yet.
    answers : dict
        Masked numbers of the latest round, by center.
    problems : dict
        What is wrong with files that were not used, by file.
    left : dict
        Centers that have signed that they leave before answering, with their messages.
    """

    request: Message | None
    members: Mapping[str, Mapping[str, str]]
    answers: Mapping[str, Words]
    problems: Mapping[str, str]
    left: Mapping[str, Message]

    @property
    def missing(self) -> list[str]:
        """Centers whose answer to the latest request is not there."""
        return sorted(set(self.members) - set(self.answers)) if self.request else []


def read_state(folder: Path) -> State:
    """Read the folder of a pooled study; a file that cannot be used is a problem, not the end."""
    if not folder.is_dir():
        raise StudyError(f"no folder {folder.name!r}: it is the folder through which the files of the study go")
    request, problems = last_request(folder), {}
    if request is not None:
        return _state_of(folder, request)
    members = {}
    for name, message in _readable(folder, "member_*.json", "member", problems):
        keys = {key: message[key] for key in ("center", "sign", "agree")}
        if members.setdefault(message["center"], keys) != keys:
            problems[name] = f"{name}: {message['center']} has joined with other keys before; ask it which file counts"
    return State(None, members, {}, problems, {})


def _state_of(folder: Path, request: Message) -> State:
    problems: dict[str, str] = {}
    check_signature(request, request["coordinator"], f"request_{request['round']}.json")
    members = {member["center"]: member for member in request["roster"]}
    answers, left, wanted = {}, {}, digest(request)
    for name, message in _readable(folder, f"answer_{request['round']}_*.json", "answer", problems):
        try:
            center = _check_sender(message, members, name)
            answers[center] = _check_answer(message, request, wanted, answers, name)
        except StudyError as error:
            problems[name] = str(error)
        except ValueError:
            problems[name] = f"{name}: its numbers are not readable; {message['center']} must send it again"
    for _, message in _readable(folder, "leave_*.json", "leave", problems):
        if (message.get("plan"), message.get("coordinator")) == (digest(request["plan"]), request["coordinator"]):
            left[message["center"]] = message
    left = {center: message for center, message in left.items() if center in members}
    for center, message in left.items():
        check_signature(message, members[center]["sign"], f"leave_{center}.json")
    return State(request, members, answers, problems, left)


def _readable(folder: Path, pattern: str, kind: str, problems: dict[str, str]) -> list[tuple[str, Message]]:
    found = []
    for path in sorted(folder.glob(pattern)):
        try:
            message = read_file(path, kind)
            if kind == "member":
                check_signature(message, message.get("sign", ""), path.name)
            found.append((path.name, message))
        except StudyError as error:
            problems[path.name] = str(error)
    return found


def _check_sender(message: Message, members: Mapping[str, Mapping[str, str]], name: str) -> str:
    center = message.get("center")
    if center not in members:
        raise StudyError(f"{name}: center {center!r} is not in the roster of this request; its answer was not used")
    check_signature(message, members[center]["sign"], name)
    return center


def _check_answer(message: Message, request: Message, wanted: str, answers: Mapping[str, Words], name: str) -> Words:
    if message["center"] in answers:
        raise StudyError(f"{name}: a second answer of {message['center']}; the first one counts")
    if message["request"] != wanted:
        raise StudyError(f"{name}: answers another request than the latest; {message['center']} must answer again")
    words = np.frombuffer(read_bytes(message["payload"]), dtype="<u8").astype(np.uint64)
    if len(words) != request["n_numbers"]:
        raise StudyError(f"{name}: {len(words)} numbers, {request['n_numbers']} were asked; its program differs")
    return words


def ask(folder: Path, private: Path, study: Study) -> tuple[State, bool]:
    """Write the next request where everything for it is there; return the state after it, and whether all is done.

    Raises
    ------
    StudyError
        If fewer than three centers would be asked, or the plan here is another than the one asked with.
    """
    state, keys = read_state(folder), read_or_make_keys(private)
    if state.request is None:
        _write_request(folder, keys, study, 1, "", list(state.members.values()), first_round(study), [])
        return read_state(folder), False
    if state.request["coordinator"] != keys.public()["sign"]:
        raise StudyError("the requests in this folder were signed with another key: only who asked first can go on")
    if state.left and state.request["round"] == 1:
        stay = [member for center, member in state.members.items() if center not in state.left]
        sealed = [*state.request["left"], *state.left.values()]
        before = digest(state.request)
        _write_request(folder, keys, study, 1, before, stay, first_round(study), sealed)
        return read_state(folder), False
    if state.missing:
        return state, False
    _, fits = read_rounds(folder, study)
    blocks = [fit.next_block() for fit in fits.values() if not fit.is_final]
    if not blocks or state.request["round"] >= study.pool.most_rounds:
        return state, True
    request = state.request
    _write_request(folder, keys, study, request["round"] + 1, digest(request), request["roster"], blocks, [])
    return read_state(folder), False


def _write_request(
    folder: Path, keys: Keys, study: Study, number: int, before: str, roster: list, blocks: list, left: list
) -> None:
    if len(roster) < LEAST_MEMBERS:
        raise StudyError(
            f"{counted(len(roster), 'center')} of at least {LEAST_MEMBERS}: with fewer, each would learn the numbers "
            "of another by taking its own from the sum. Nothing was asked; wait for more members"
        )
    body = {
        "round": number,
        "before": before,
        "title": study.study.title,
        "coordinator": keys.public()["sign"],
        "roster": sorted(roster, key=lambda member: member["center"]),
        "plan": plan_entries(study),
        "code": code_entries(),
        "ask": blocks,
        "n_numbers": sum(sum(sizes(block)) for block in blocks),
        "left": left,
    }
    write_json(folder / f"request_{number}.json", seal("request", body, keys))


def read_rounds(folder: Path, study: Study) -> tuple[Counts, dict[str, Fit]]:
    """Add up the answers of every complete round and follow the models through them.

    Raises
    ------
    StudyError
        If round 1 is not complete, or the sums make no sense.
    """
    history, first, before = {}, None, None
    for name, request in read_all(folder, "request_*.json", "request"):
        state = _state_of(folder, request)
        if state.missing:
            break
        if before is not None and request["before"] != before:
            raise StudyError(f"{name} does not follow the round before it: files of two studies in one folder")
        before, sums = digest(request), split_sums(request["ask"], _add_up(state))
        if first is None:
            first = Counts(study, {block["name"]: block for block in request["ask"]}, sums)
        for block in request["ask"]:
            if block["kind"] == "cox":
                history.setdefault(block["name"], []).append((block, sums[block["name"]]))
    if first is None:
        raise StudyError("round 1 is not complete yet: run_all.py --pool-status says who is awaited")
    return first, {name: follow(rounds) for name, rounds in history.items()}


def _add_up(state: State) -> FloatArray:
    """Return the sums of one round: the masks cancel, and what was counted comes out whole."""
    numbers = from_fixed(np.sum(list(state.answers.values()), axis=0, dtype=np.uint64))
    for block, sums in zip(state.request["ask"], split_sums(state.request["ask"], numbers).values(), strict=True):
        whole = [sums.contributors, *([sums.numbers] if block["kind"] in COUNTED else [])]
        if any((np.abs(part - np.rint(part)) > _WHOLE).any() or (part < -_WHOLE).any() for part in whole):
            raise StudyError(
                f"the sums of round {state.request['round']} make no sense: the masks do not cancel, so an answer was "
                "made with other keys than those of the roster. Nothing is shown; compare fingerprints by telephone"
            )
    return numbers


def read_results(folder: Path, study: Study) -> dict[str, pd.DataFrame]:
    """Return the tables and estimates of the pooled scope by name: flow, baseline, response, survival, models."""
    counts, fits = read_rounds(folder, study)
    return {
        "flow": tabulate_flow(counts),
        "baseline": estimate_baseline(counts),
        "response": estimate_response(counts),
        "survival": estimate_survival(counts),
        "models": estimate_models(counts, fits, len(read_state(folder).members)),
    }
