"""The coordinator's side: members, requests, answers that are all there or not, and what the sums say.

Everything is read again from the files of the folder and checked again; the coordinator keeps nothing but a key.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from fhrmm.errors import StudyError
from fhrmm.pool.answer import Block, sizes, split_sums
from fhrmm.pool.effects import estimate_models
from fhrmm.pool.files import (
    code_entries,
    noting,
    plan_entries,
    read_all,
    read_or_make_keys,
    read_requests,
    write_json,
)
from fhrmm.pool.masks import Words, from_fixed
from fhrmm.pool.models import Fit, follow
from fhrmm.pool.protocol import Keys, Message, check_signature, difference_in_words, digest, read_bytes, seal
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


def _read_state(folder: Path) -> State:
    """Read the folder of a pooled study; a file that cannot be used is a problem, not the end."""
    if requests := read_requests(folder):
        return _state_of(folder, requests[-1])
    members: dict[str, Mapping[str, str]] = {}
    problems: dict[str, str] = {}
    for name, message in read_all(folder, "member_*.json", "member", problems):
        with noting(problems, name):
            check_signature(message, message["sign"], name)
            keys = {key: message[key] for key in ("center", "sign", "agree")}
            if members.setdefault(message["center"], keys) != keys:
                raise StudyError(f"{name}: {message['center']} has joined with other keys before; ask it which counts")
    return State(None, members, {}, problems, {})


def _state_of(folder: Path, request: Message) -> State:
    check_signature(request, request["coordinator"], f"request_{request['round']}.json")
    members = {member["center"]: member for member in request["roster"]}
    answers: dict[str, Words] = {}
    left: dict[str, Message] = {}
    problems: dict[str, str] = {}
    wanted, study = digest(request), (digest(request["plan"]), request["coordinator"])
    for name, message in read_all(folder, f"answer_{request['round']}_*.json", "answer", problems):
        with noting(problems, name):
            center = _check_sender(message, members, name)
            if center in answers:
                raise StudyError(f"{name}: a second answer of {center}; the first one counts")
            if message["request"] != wanted:
                raise StudyError(f"{name}: answers another request than the latest; {center} must answer again")
            answers[center] = _read_payload(message, request["n_numbers"], name)
    for name, message in read_all(folder, "leave_*.json", "leave", problems):
        if message["center"] in members and (message["plan"], message["coordinator"]) == study:
            with noting(problems, name):
                left[_check_sender(message, members, name)] = message
    return State(request, members, answers, problems, left)


def _check_sender(message: Message, members: Mapping[str, Mapping[str, str]], name: str) -> str:
    center = message["center"]
    if center not in members:
        raise StudyError(f"{name}: center {center!r} is not in the roster of this request; its answer was not used")
    check_signature(message, members[center]["sign"], name)
    return center


def _read_payload(message: Message, n_numbers: int, name: str) -> Words:
    try:
        words = np.frombuffer(read_bytes(message["payload"]), dtype="<u8").astype(np.uint64)
    except ValueError:
        raise StudyError(f"{name}: its numbers are not readable; {message['center']} must send it again") from None
    if len(words) != n_numbers:
        raise StudyError(f"{name}: {len(words)} numbers, {n_numbers} were asked; its program differs")
    return words


def ask(folder: Path, private: Path, study: Study) -> tuple[State, bool]:
    """Write the next request where everything for it is there; return the state after it, and whether all is done.

    Raises
    ------
    StudyError
        If fewer than three centers would be asked, or the plan here is another than the one asked with.
    """
    state, keys = _read_state(folder), read_or_make_keys(private)
    request, members = state.request, list(state.members.values())
    if request is None:
        asked = {"round": 1, "before": "", "roster": members, "ask": first_round(study), "left": []}
    elif request["coordinator"] != keys.public()["sign"]:
        raise StudyError("the requests in this folder were signed with another key: only who asked first can go on")
    elif state.left and request["round"] == 1:
        stay = [member for member in members if member["center"] not in state.left]
        left = [*request["left"], *state.left.values()]
        asked = {"round": 1, "before": digest(request), "roster": stay, "ask": first_round(study), "left": left}
    elif state.missing:
        return state, False
    elif blocks := _blocks_to_ask(folder, study, state):
        asked = {"round": request["round"] + 1, "before": digest(request), "roster": members, "ask": blocks, "left": []}
    else:
        return state, True
    _write_request(folder, keys, study, asked)
    return _read_state(folder), False


def look(folder: Path, study: Study) -> tuple[State, bool]:
    """Return the state of a study, and whether all is done."""
    state = _read_state(folder)
    if state.request is None or state.missing:
        return state, False
    return state, not _blocks_to_ask(folder, study, state)


def _blocks_to_ask(folder: Path, study: Study, state: State) -> list[Block]:
    """Return what the round after a complete one asks; nothing after the last."""
    check_plan(state.request, f"request_{state.request['round']}.json", study)
    _, fits = read_rounds(folder, study)
    is_last = state.request["round"] >= study.pool.most_rounds
    return [] if is_last else [fit.next_block() for fit in fits.values() if not fit.is_final]


def _write_request(folder: Path, keys: Keys, study: Study, asked: Mapping[str, Any]) -> None:
    if len(asked["roster"]) < LEAST_MEMBERS:
        raise StudyError(
            f"{counted(len(asked['roster']), 'center')} of at least {LEAST_MEMBERS}: with fewer, each would learn the "
            "numbers of another by taking its own from the sum. Nothing was asked; wait for more members"
        )
    body = {
        **asked,
        "title": study.study.title,
        "coordinator": keys.public()["sign"],
        "roster": sorted(asked["roster"], key=lambda member: member["center"]),
        "plan": plan_entries(study),
        "code": code_entries(),
        "n_numbers": sum(sum(sizes(block)) for block in asked["ask"]),
    }
    write_json(folder / f"request_{asked['round']}.json", seal("request", body, keys))


def check_plan(request: Message, name: str, study: Study) -> None:
    """Refuse a request that was made with another plan, with the difference in words."""
    if words := difference_in_words(plan_entries(study), request["plan"]):
        raise StudyError(f"{name}: made with another plan (study.toml). {words}. Agree on one plan, then ask again")


def read_rounds(folder: Path, study: Study) -> tuple[Counts, dict[str, Fit]]:
    """Add up the answers of every complete round and follow the models through them.

    Raises
    ------
    StudyError
        If round 1 is not complete, or the sums make no sense.
    """
    history, first, before = {}, None, None
    for request in read_requests(folder):
        state, name = _state_of(folder, request), f"request_{request['round']}.json"
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
        whole = [sums.contributors, *([sums.numbers] if block["kind"] == "count" else [])]
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
        "models": estimate_models(counts, fits, len(read_requests(folder)[0]["roster"])),
    }
