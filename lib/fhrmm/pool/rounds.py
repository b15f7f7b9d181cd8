"""The coordinator's side: members, requests, answers that are all there or not, and what the sums say.

Everything is read again from the files of the folder and checked again; the coordinator keeps nothing but a key.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from fhrmm.errors import StudyError
from fhrmm.pool.answer import answer_nothing, split_sums
from fhrmm.pool.files import (
    check_plan,
    code_entries,
    plan_entries,
    read_file,
    read_or_make_keys,
    read_requests,
    write_json,
)
from fhrmm.pool.models import Fit, estimate_models, follow
from fhrmm.pool.protocol import Message, Words, check_signature, digest, from_fixed, read_payload, seal
from fhrmm.pool.question import Block, first_round
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

    request: Message | None = None
    members: dict[str, Mapping[str, str]] = field(default_factory=dict)
    answers: dict[str, Words] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)
    left: dict[str, Message] = field(default_factory=dict)

    @property
    def missing(self) -> list[str]:
        """Centers whose answer to the latest request is not there."""
        return sorted(set(self.members) - set(self.answers)) if self.request else []

    @contextmanager
    def noting(self, path: Path) -> Iterator[None]:
        """Note what is wrong with a file, and go on with the next."""
        try:
            yield
        except StudyError as error:
            self.problems[path.name] = str(error)

    def check_sender(self, message: Message, name: str) -> str:
        """Return the center of the roster that has signed a message."""
        center = message["center"]
        if center not in self.members:
            raise StudyError(f"{name}: center {center!r} is not in the roster of this request; its answer was not used")
        check_signature(message, self.members[center]["sign"], name)
        return center


def _read_state(folder: Path) -> State:
    """Read the folder of a pooled study; a file that cannot be used is a problem, not the end."""
    if requests := read_requests(folder):
        return _state_of(folder, requests[-1])
    state = State()
    for path in sorted(folder.glob("member_*.json")):
        with state.noting(path):
            message = read_file(path, "member")
            check_signature(message, message["sign"], path.name)
            keys = {key: message[key] for key in ("center", "sign", "agree")}
            if state.members.setdefault(message["center"], keys) != keys:
                raise StudyError(
                    f"{path.name}: {message['center']} has joined with other keys before; ask which counts"
                )
    return state


def _state_of(folder: Path, request: Message) -> State:
    number, wanted, study = request["round"], digest(request), (digest(request["plan"]), request["coordinator"])
    check_signature(request, request["coordinator"], f"request_{number}.json")
    state = State(request, {member["center"]: member for member in request["roster"]})
    for path in sorted(folder.glob(f"answer_{number}_*.json")):
        with state.noting(path):
            message = read_file(path, "answer")
            center = state.check_sender(message, path.name)
            if center in state.answers:
                raise StudyError(f"{path.name}: a second answer of {center}; the first one counts")
            if message["request"] != wanted:
                raise StudyError(f"{path.name}: answers another request than the latest; {center} must answer again")
            state.answers[center] = read_payload(message, request["n_numbers"], path.name)
    for path in sorted(folder.glob("leave_*.json")):
        with state.noting(path):
            message = read_file(path, "leave")
            if message["center"] in state.members and (message["plan"], message["coordinator"]) == study:
                state.left[state.check_sender(message, path.name)] = message
    return state


def ask(folder: Path, private: Path, study: Study) -> tuple[State, bool]:
    """Write the next request where everything for it is there; return the state after it, and whether all is done.

    Raises
    ------
    StudyError
        If fewer than three centers would be asked, or the plan here is another than the one asked with.
    """
    state, keys = _read_state(folder), read_or_make_keys(private)
    request, number = state.request, 1
    if request is not None and request["coordinator"] != keys.public()["sign"]:
        raise StudyError("the requests in this folder were signed with another key: only who asked first can go on")
    if request is None or (state.left and request["round"] == 1):
        blocks = first_round(study)
    elif state.missing or not (blocks := _blocks_to_ask(folder, study, request)):
        return state, not state.missing
    else:
        number = request["round"] + 1
    roster = [member for center, member in sorted(state.members.items()) if number > 1 or center not in state.left]
    if len(roster) < LEAST_MEMBERS:
        raise StudyError(
            f"{counted(len(roster), 'center')} of at least {LEAST_MEMBERS}: with fewer, each would learn the numbers "
            "of another by taking its own from the sum. Nothing was asked; wait for more members"
        )
    body = {
        "round": number,
        "before": digest(request) if request else "",
        "title": study.study.title,
        "coordinator": keys.public()["sign"],
        "roster": roster,
        "plan": plan_entries(study),
        "code": code_entries(),
        "ask": blocks,
        "n_numbers": sum(part.size for block in blocks for part in answer_nothing(block).values()),
        "left": [*request["left"], *state.left.values()] if request and number == 1 else [],
    }
    write_json(folder / f"request_{number}.json", seal("request", body, keys))
    return _read_state(folder), False


def look(folder: Path, study: Study) -> tuple[State, bool]:
    """Return the state of a study, and whether all is done."""
    state = _read_state(folder)
    is_complete = state.request is not None and not state.missing
    return state, is_complete and not _blocks_to_ask(folder, study, state.request)


def _blocks_to_ask(folder: Path, study: Study, request: Message) -> list[Block]:
    """Return what the round after a complete one asks; nothing after the last."""
    check_plan(request, study)
    _, fits = read_rounds(folder, study)
    is_last = request["round"] >= study.pool.most_rounds
    return [] if is_last else [fit.next_block() for fit in fits.values() if not fit.is_final]


def read_rounds(folder: Path, study: Study) -> tuple[Counts, dict[str, Fit]]:
    """Add up the answers of every complete round and follow the models through them.

    Raises
    ------
    StudyError
        If round 1 is not complete, or the sums make no sense.
    """
    history, first, before = {}, None, None
    for request in read_requests(folder):
        state = _state_of(folder, request)
        if state.missing:
            break
        if before is not None and request["before"] != before:
            name = f"request_{request['round']}.json"
            raise StudyError(f"{name} does not follow the round before it: files of two studies in one folder")
        before, sums = digest(request), _add_up(state)
        first = first or Counts(study, {block["name"]: block for block in request["ask"]}, sums)
        for block in request["ask"]:
            if block["kind"] == "cox":
                history.setdefault(block["name"], []).append((block, sums[block["name"]]))
    if first is None:
        raise StudyError("round 1 is not complete yet: run_all.py --pool-status says who is awaited")
    return first, {name: follow(rounds) for name, rounds in history.items()}


def _add_up(state: State) -> dict[str, dict[str, FloatArray]]:
    """Return the sums of one round: the masks cancel, and what was counted comes out whole."""
    numbers = from_fixed(np.sum(list(state.answers.values()), axis=0, dtype=np.uint64))
    found = split_sums(state.request["ask"], numbers)
    for sums in found.values():
        whole = [sums[name] for name in ("contributors", "counts") if name in sums]
        if any((np.abs(part - np.rint(part)) > _WHOLE).any() or (part < -_WHOLE).any() for part in whole):
            raise StudyError(
                f"the sums of round {state.request['round']} make no sense: the masks do not cancel, so an answer was "
                "made with other keys than those of the roster. Nothing is shown; compare fingerprints by telephone"
            )
    return found


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
