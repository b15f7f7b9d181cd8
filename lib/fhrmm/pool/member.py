"""A center's side: joining, checking what is asked and refusing what must not be answered, answering, leaving.

The register in work/ remembers every request that was answered. Two sums over rosters that differ by one center would
give that center's numbers away, so a center answers a round once, for one roster. The only way to a smaller roster: a
center that has answered nothing signs that it never will. No sum that needs its answer can then ever be unmasked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fhrmm.errors import StudyError
from fhrmm.pool.files import check_plan, code_entries, read_or_make_keys, read_register, read_requests, write_json
from fhrmm.pool.protocol import (
    Message,
    Roster,
    check_signature,
    difference_in_words,
    digest,
    mask,
    seal,
    to_fixed,
    write_payload,
)
from fhrmm.pool.rounds import LEAST_MEMBERS
from fhrmm.study import Study
from fhrmm.wording import counted
from timetoevent.checks import FloatArray

Entry = Mapping[str, Any]
_IDENTITY = ("center", "sign", "agree")


def join(folder: Path, private: Path, center: str) -> Message:
    """Make the keys of a center where it has none, and write its public ones as `member_<CENTER>.json`."""
    keys = read_or_make_keys(private)
    message = seal("member", {"center": center, **keys.public()}, keys)
    write_json(folder / f"member_{center}.json", message)
    return message


def check_request(folder: Path, private: Path, center: str, study: Study) -> Message:
    """Return the latest request if this center may answer it.

    Raises
    ------
    StudyError
        If it must not: altered, replayed, of another plan or program, too few centers, or a second question of which
        the difference would tell about single centers.
    """
    if not (requests := read_requests(folder)):
        raise StudyError("no request is in the folder yet; the coordinator writes it (--pool-ask) once all have joined")
    request, register = requests[-1], read_register(private)
    name = f"request_{request['round']}.json"
    check_signature(request, request["coordinator"], name)
    check_plan(request, study)
    if words := difference_in_words(code_entries(), request["code"]):
        raise StudyError(f"{name}: made with another version of the program. {words}. All need the same version")
    _check_roster(request, private, center, name)
    if digest(request) not in [entry["digest"] for entry in register]:
        _check_history(request, register, name)
    if any(entry["answer"] is None and _is_of(entry, request) for entry in register):
        raise StudyError(f"{name}: {center} has left this study; its answer now would open a sum that must stay closed")
    return request


def _check_roster(request: Message, private: Path, center: str, name: str) -> None:
    roster, own = request["roster"], {"center": center, **read_or_make_keys(private).public()}
    if len(roster) < LEAST_MEMBERS:
        raise StudyError(f"{name}: {counted(len(roster), 'center')} of at least {LEAST_MEMBERS}; a sum of so few tells")
    for field in _IDENTITY:
        if len({member[field] for member in roster}) < len(roster):
            raise StudyError(f"{name}: two centers of the roster share a {field} key or name; it was not answered")
    if center not in [member["center"] for member in roster]:
        raise StudyError(f"{name}: {center} is not in its roster; join (--pool-join) before the first request")
    if own not in roster:
        raise StudyError(f"{name}: the keys of {center} in the roster are not those in work/: who joined as it?")


def _check_history(request: Message, register: Sequence[Entry], name: str) -> None:
    """Refuse what, together with earlier answers, would tell about single centers."""
    number, plan, roster = request["round"], digest(request["plan"]), _identities(request["roster"])
    same = [entry for entry in register if entry["plan"] == plan]
    if any(entry["coordinator"] != request["coordinator"] for entry in same):
        raise StudyError(f"{name}: signed by another coordinator than the requests answered before")
    if number > 1:
        before = next((entry for entry in same if entry["digest"] == request["before"]), None)
        if before is None or before["round"] != number - 1 or before["answer"] is None:
            raise StudyError(f"{name}: replayed or out of order; it does not follow a round that was answered here")
        if _identities(before["roster"]) != roster:
            raise StudyError(f"{name}: its roster is not that of round {number - 1}: a study goes on with all")
        if any(entry["round"] == number for entry in same):
            raise StudyError(f"{name}: a second set of coefficients for round {number}; a round is answered once")
    for entry in (entry for entry in register if entry["round"] == number == 1 and entry["answer"] is not None):
        earlier = _identities(entry["roster"])
        gone, added = earlier - roster, roster - earlier
        is_other_study = entry["plan"] != plan and {len(gone), len(added)}.isdisjoint(range(1, LEAST_MEMBERS))
        has_left = bool(gone) and not added and all(_has_signed_leave(member, entry, request) for member in gone)
        if has_left or is_other_study:
            continue
        who = ", ".join(sorted({center for center, *_ in gone | added}))
        raise StudyError(
            f"{name}: the roster differs by {who} from one that was answered: the difference of the two sums would "
            f"be the numbers of {who}. It can be answered without {who} if {who} has answered nothing and signs that "
            "it leaves (--pool-answer STUDYFOLDER --leave)"
            if who
            else f"{name}: a second question for round 1 of a study that was answered already; it was not answered"
        )


def _has_signed_leave(member: tuple[str, ...], entry: Entry, request: Message) -> bool:
    """Tell whether a center of an earlier roster has signed that it answered nothing of that study and never will."""
    for message in request["left"]:
        if message.get("kind") == "leave" and message.get("center") == member[0] and _is_of(entry, message):
            check_signature(message, member[1], f"leave of {member[0]}")
            return True
    return False


def _is_of(entry: Entry, message: Message) -> bool:
    """Tell whether a request or a leave belongs to the study of an entry: one plan, one coordinator."""
    plan = message["plan"] if isinstance(message["plan"], str) else digest(message["plan"])
    return entry["plan"] == plan and entry["coordinator"] == message["coordinator"]


def _identities(roster: Roster) -> set[tuple[str, ...]]:
    return {tuple(member[field] for field in _IDENTITY) for member in roster}


def write_answer(folder: Path, private: Path, center: str, request: Message, numbers: FloatArray, basis: str) -> Path:
    """Write `numbers`, the answer of a center, masked; a request that was answered before gets the very same answer.

    Two answers to one request would carry the same masks, and their difference the change in clear. `basis` stands for
    the data: it must be the same in all rounds of a study, or the answer is refused.

    Raises
    ------
    StudyError
        If the data are no longer those of round 1.
    """
    register, wanted = read_register(private), digest(request)
    message = next((entry["answer"] for entry in register if entry["digest"] == wanted), None)
    if message is None:
        if any(_is_of(entry, request) and entry["basis"] not in ("", basis) for entry in register):
            raise StudyError(
                f"the data of {center} have changed since round 1; a study ends with the data it began with. Nothing "
                "was written: put the export of then back, or let the coordinator begin a new study"
            )
        keys, roster = read_or_make_keys(private), request["roster"]
        masked = mask(to_fixed(numbers, len(roster)), center, keys, roster, wanted)
        body = {"round": request["round"], "request": wanted, "center": center, "payload": write_payload(masked)}
        message = seal("answer", body, keys)
        _remember(private, request, message, basis)
    path = folder / f"answer_{request['round']}_{center}.json"
    write_json(path, message)
    return path


def leave(folder: Path, private: Path, center: str, request: Message) -> Path:
    """Write that a center has answered nothing of a study and never will, so that the others may go on without it.

    Raises
    ------
    StudyError
        If it has answered: its numbers may be in a sum already, and the others then wait for it.
    """
    has_answered = any(entry["answer"] is not None and _is_of(entry, request) for entry in read_register(private))
    if request["round"] > 1 or has_answered:
        raise StudyError(f"{center} has answered this study: leaving it now would let its numbers be worked out")
    _remember(private, request, None, "")
    path = folder / f"leave_{center}.json"
    body = {"center": center, "plan": digest(request["plan"]), "coordinator": request["coordinator"]}
    write_json(path, seal("leave", body, read_or_make_keys(private)))
    return path


def _remember(private: Path, request: Message, message: Message | None, basis: str) -> None:
    entry = {"digest": digest(request), "plan": digest(request["plan"]), "answer": message, "basis": basis}
    entry |= {field: request[field] for field in ("round", "roster", "coordinator")}
    write_json(private / "register.json", [*read_register(private), entry], mode=0o600)
