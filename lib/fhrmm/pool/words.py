"""What each person is told: what has happened, what leaves, who is awaited, what to do next."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd

from fhrmm.pool.answer import label_cells, split_sums
from fhrmm.pool.protocol import Message, digest, fingerprint
from fhrmm.pool.rounds import State
from fhrmm.wording import counted
from timetoevent.checks import FloatArray

LIMITS = (
    "The coordinator and all other centers but one, acting together, can work out the sums of that one.",
    "Whoever holds all answers of a round can add them up, and sees also those sums that the page does not show.",
    "A center that does not answer stops the round; it can be left out only before it has answered anything.",
    "A false contribution cannot be seen: signatures tell who sent it, not whether it is true.",
)
ASKED = {
    "count": "counts of patients or events, by level, by response or by week",
    "rates": "events and months of observation by pattern of covariates and interval",
    "logrank": "observed and expected events by level, and their covariance",
    "alone": "the center's own coefficients times their inverse variances, and those",
    "cox": "log partial likelihood, its first and second derivatives (third, or with time, where a test needs them)",
}


def say_joined(message: Message, folder: Path) -> str:
    """Say what joining did."""
    return (
        f"{message['center']} has joined: member_{message['center']}.json in {folder.name} holds its public keys. "
        "Nothing of its patients is in it; the private keys stay in work/.\n"
        f"Its fingerprint is {fingerprint(message)}. Read it to the coordinator by telephone.\n"
        "Next: send the file to the coordinator. When the request comes, run --pool-answer."
    )


def say_state(state: State, folder: Path, *, is_done: bool = False) -> str:
    """Say where a study stands, who is awaited and since when, and what to do."""
    lines = [f"{name} was not used. {problem}" for name, problem in state.problems.items()]
    if state.request is None:
        joined = ", ".join(state.members) or "nobody yet"
        return "\n".join([*lines, f"Joined: {joined}.", "Next: when all have joined, the coordinator runs --pool-ask."])
    number = state.request["round"]
    since = datetime.fromtimestamp((folder / f"request_{number}.json").stat().st_mtime, UTC).date().isoformat()
    lines.append(
        f"Round {number}, asked {since}: {len(state.answers)} of {counted(len(state.members), 'center')} answered."
    )
    left = sorted(set(state.left) & set(state.missing))
    if is_done:
        lines.append("All rounds are complete. The report is what --pool-ask makes of them at the coordinator.")
    elif left:
        lines.append(f"{', '.join(left)} has signed that it leaves. Next: --pool-ask asks the others again without it.")
    elif state.missing:
        lines += [
            f"Awaited since {since}: {', '.join(state.missing)}.",
            f"Next: each of them needs request_{number}.json, runs --pool-answer and sends its answer back.",
        ]
        if number == 1:
            lines.append("A center that cannot answer and has answered nothing runs --pool-answer STUDYFOLDER --leave.")
    else:
        lines.append("Nobody is awaited. Next: the coordinator runs --pool-ask again.")
    return "\n".join(lines)


def say_request(request: Message) -> str:
    """Say to a center what is asked, by whom, of whom, and what would leave."""
    kinds = [ASKED[kind] for kind in dict.fromkeys(block["kind"] for block in request["ask"])]
    others = [f"  {member['center']}  {fingerprint(member)}" for member in request["roster"]]
    return "\n".join(
        [
            f"Round {request['round']} of {request['title']!r}, request {digest(request)[:16]}.",
            "Plan and program are those here.",
            "Asked of these centers, with their fingerprints; compare them by telephone before the first answer:",
            *others,
            f"What would leave: {request['n_numbers']:,} numbers, each a sum over this center's patients, as integers",
            "under masks that cancel only in the sum over all centers. No number leaves in clear. They are:",
            *(f"  - {words}" for words in kinds),
            *(f"Limit: {limit}" for limit in LIMITS),
        ]
    )


def preview(request: Message, numbers: FloatArray) -> pd.DataFrame:
    """Return what would be summed, before masking: question, cell and number, in its own unit; zeros are left out."""
    rows = []
    for block, sums in zip(request["ask"], split_sums(request["ask"], numbers).values(), strict=True):
        for part, values in sums.items():
            names = [f"{part} {place + 1}" for place in range(values.size)]
            if part == "counts":
                cells = itertools.product(*(label_cells(axis) for axis in block["axes"]))
                names = [", ".join(cell) for cell in cells]
            told = zip(names, values.ravel(), strict=True) if part != "contributors" else ()
            rows += [(block["name"], name, value) for name, value in told if value]
    return pd.DataFrame(rows, columns=["question", "cell", "number"])


def say_preview(shown: pd.DataFrame) -> str:
    """Say the numbers that a person can judge at a glance: the flow and the responses; the rest is in a file."""
    lines = [f"Numbers other than zero: {len(shown):,}. Among them, before masking:"]
    for question in ("flow", "response"):
        rows = shown[shown["question"] == question]
        known = [f"{cell} {number:g}" for cell, number in zip(rows["cell"], rows["number"], strict=True)]
        lines += [f"  {question}: {'; '.join(known)}"] if known else []
    return "\n".join(lines)


def says_yes() -> bool:
    """Ask the person at the center; nobody there is no."""
    try:
        return input("Write the masked answer? yes or no: ").strip().lower() == "yes"
    except EOFError:
        return False
