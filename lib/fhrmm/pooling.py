"""The steps of a pooled study as people take them: what is said to whom, what a person is asked, what is written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from fhrmm.errors import StudyError
from fhrmm.manuscript.statement import write_statement
from fhrmm.plan_check import load_plan
from fhrmm.pool import files, member, rounds, words
from fhrmm.pool.answer import answer
from fhrmm.pool.protocol import digest
from fhrmm.pool.question import first_round
from fhrmm.store import Run, write_work_bytes


def choose_center(known: Sequence[str], named: Sequence[str]) -> str:
    """Return the center that joins or answers: the one named, or the only one of the dataset.

    Raises
    ------
    StudyError
        If it is not clear which, or there is no such center.
    """
    chosen = named or known
    if len(chosen) != 1 or chosen[0] not in known:
        raise StudyError(f"say which center joins or answers: --center, one of {', '.join(known)}")
    return chosen[0]


def coordinate(step: str, folder: Path, work: Path, study_file: str) -> bool:
    """Write the next request (``ask``) or look on (``status``); say who is awaited, and return whether all is done."""
    study, private = load_plan(study_file), work / "pool" / "_coordinator"
    state, is_done = rounds.ask(folder, private, study) if step == "ask" else rounds.look(folder, study)
    print(words.say_state(state, folder, is_done=is_done))
    return is_done


def take_part(
    step: str, folder: Path, run: Run, study_file: str, make_tables: Callable[[], bool], agree: Callable[[], bool]
) -> bool:
    """Join, answer or leave as the center of a run, say what to do next, and return whether all went well.

    `make_tables` runs the notebooks that make what is answered from, and says whether they ran through; `agree` asks
    whether a masked answer is to be written, when it was shown what would leave. No is no failure.
    """
    own = replace(run, work_dir=run.work_dir / "pool")
    center, private = run.scope, own.work
    if step == "join":
        print(words.say_joined(member.join(folder, private, center), folder))
        return True
    study = load_plan(study_file)
    request = member.check_request(folder, private, center, study)
    if step == "leave":
        path = member.leave(folder, private, center, request)
        print(f"{center} leaves: {path.name} says that it has answered nothing and never will.\nNext: send that file.")
        return True
    print(words.say_request(request))
    if not make_tables():
        return False
    tables = files.read_tables(run, study)
    numbers, number = answer(request, tables), request["round"]
    shown = words.preview(request, numbers)
    write_work_bytes(own, f"preview_{number}.csv", shown.to_csv(index=False).encode())
    write_work_bytes(own, f"statement_{number}.docx", write_statement(request, center, shown))
    print(words.say_preview(shown))
    print(f"All of them: pool/{center}/preview_{number}.csv in work/, with a statement for an ethics committee.")
    if not agree():
        print("Nothing was written. Next: ask whoever decides, and run --pool-answer again.")
        return True
    basis = digest(answer({"ask": first_round(study)}, tables).tolist())
    path = member.write_answer(folder, private, center, request, numbers, basis)
    print(f"{center} has answered round {number}. Next: send {path.name}, and nothing else, to the coordinator.")
    return True
