"""What is refused, each with its message; masks that tell nothing; keys that stay where they are."""

from __future__ import annotations

import json
import shutil
import stat

import numpy as np
import pytest
from scipy import stats

from fhrmm.errors import StudyError
from fhrmm.pool import member, rounds, words
from fhrmm.pool.answer import answer
from fhrmm.pool.files import read_register, read_requests, write_json
from fhrmm.pool.protocol import (
    digest,
    from_fixed,
    make_keys,
    mask,
    read_keys,
    read_payload,
    seal,
    to_fixed,
    write_payload,
)
from fhrmm.study import override_study

FOUR = ("C01", "C02", "C03", "C04")


def roster_of(keys: dict) -> list[dict[str, str]]:
    return [{"center": center, **key.public()} for center, key in keys.items()]


def test_masks_cancel_in_the_sum_alone_and_differ_by_request():
    keys = {center: make_keys() for center in FOUR}
    roster, words_of = roster_of(keys), to_fixed(np.array([3.0, -1.5, 0.0]), 4)
    masked = [mask(words_of, center, key, roster, "request 1") for center, key in keys.items()]
    assert from_fixed(np.sum(masked, axis=0, dtype=np.uint64)).tolist() == [12.0, -6.0, 0.0]
    assert from_fixed(np.sum(masked[1:], axis=0, dtype=np.uint64)).tolist() != [9.0, -4.5, 0.0]
    again = mask(words_of, "C01", keys["C01"], roster, "request 2")
    assert not (again == masked[0]).any()


def test_masked_answers_of_two_data_sets_are_alike_to_all_who_lack_the_keys():
    """Everything that one center wrote, for a small table and its neighbor: uniform bytes, uncorrelated."""
    keys = {center: make_keys() for center in FOUR[:3]}
    roster = roster_of(keys)
    for numbers in (np.zeros(20_000), np.ones(20_000)):
        masked = mask(to_fixed(numbers, 3), "C01", keys["C01"], roster, "r")
        counts = np.bincount(masked.view(np.uint8), minlength=256)
        assert stats.chisquare(counts).pvalue > 1e-6
    one, other = (mask(to_fixed(np.full(9, x), 3), "C01", keys["C01"], roster, f"r{x}") for x in (0.0, 1.0))
    guesses = {int(candidate) for candidate in to_fixed(np.arange(15.0), 3)}
    # for every table the center could have had, some mask explains what it wrote: enumerating them excludes none
    assert len({(int(one[0]) - guess) % 2**64 for guess in guesses}) == len(guesses)
    assert not (one == other).any()


def test_enumerating_what_a_center_may_have_had_gains_nothing_from_all_it_wrote(finished):
    """Less the numbers of any data set, the truth among them, a payload is noise: none of them is more likely."""
    for request in read_requests(finished.folder)[:2]:
        message = json.loads((finished.folder / f"answer_{request['round']}_C10.json").read_text(encoding="utf-8"))
        payload = read_payload(message, request["n_numbers"], "answer")
        for tables in finished.tables.values():
            noise = payload - to_fixed(answer(request, tables), len(request["roster"]))
            assert stats.chisquare(np.bincount(noise.view(np.uint8), minlength=256)).pvalue > 1e-6


def test_two_colluding_centers_of_three_learn_the_third_as_the_page_says():
    keys = {center: make_keys() for center in FOUR[:3]}
    roster, secret = roster_of(keys), np.array([7.0])
    masked = mask(to_fixed(secret, 3), "C01", keys["C01"], roster, "r")
    zeros = to_fixed(np.zeros(1), 3)
    theirs = [mask(zeros, center, keys[center], roster, "r") for center in FOUR[1:3]]
    assert from_fixed(np.sum([masked, *theirs], axis=0, dtype=np.uint64)).tolist() == [7.0]
    assert "all other centers but one" in words.LIMITS[0]


@pytest.mark.parametrize("number", [2.0**23, np.nan, np.inf, 2.0**21])
def test_numbers_too_large_for_the_sum_are_refused(number):
    with pytest.raises(StudyError, match="too large"):
        to_fixed(np.array([number]), 4)


def test_private_keys_are_readable_by_their_owner_alone_and_never_in_the_study_folder(play):
    played = play(*FOUR)
    path = played.private("C01") / "keys.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    private = json.loads(path.read_text(encoding="ascii"))
    played.answer("C01")
    assert stat.S_IMODE((played.private("C01") / "register.json").stat().st_mode) == 0o600
    written = "".join(file.read_text(encoding="utf-8") for file in played.folder.iterdir())
    assert not any(secret in written for secret in private)
    again = member.join(played.home("C01"), played.private("C01"), "C01")
    assert again["sign"] == read_keys(path).public()["sign"], "joining twice keeps the keys"


def test_no_count_of_a_center_is_in_clear(play):
    played = play(*FOUR)
    message = json.loads(played.answer("C01").read_text(encoding="utf-8"))
    assert set(message) == {"protocol", "kind", "round", "request", "center", "payload", "signature"}
    numbers = answer(played.check("C01"), played.tables["C01"])
    payload = read_payload(message, len(numbers), "answer")
    assert not np.isin(to_fixed(numbers, 4)[numbers != 0], payload).any()


def test_an_answer_is_as_long_as_its_question_whatever_is_in_it(play):
    played = play(*FOUR)
    sizes = {played.answer(center).stat().st_size for center in FOUR}
    n_numbers = read_requests(played.folder)[0]["n_numbers"]
    assert len(sizes) == 1
    assert 8 * n_numbers * 4 / 3 < sizes.pop() < 8 * n_numbers * 4 / 3 + 600


@pytest.mark.parametrize("n", [0, 1, 2])
def test_fewer_than_three_centers_are_not_asked(play, n):
    with pytest.raises(StudyError, match=r"of at least 3.*Nothing was asked"):
        play(*FOUR[:n]) if n else rounds.ask(*folder_of(play))


def folder_of(play) -> tuple:
    played = play(*FOUR[:3])
    (played.folder / "request_1.json").unlink()
    for path in played.folder.glob("member_*.json"):
        path.unlink()
    return played.folder, played.base / "key", played.study


def test_a_request_to_two_centers_is_refused_even_if_signed(play):
    played = play(*FOUR[:3])
    rewrite(played, lambda request: request | {"roster": request["roster"][:2]})
    with pytest.raises(StudyError, match="2 centers of at least 3"):
        played.check("C01")


def rewrite(played, change) -> None:
    """Let the coordinator sign another request of the same round."""
    path = played.folder / "request_1.json"
    keys = read_keys(played.base / "key" / "keys.json")
    request = json.loads(path.read_text(encoding="utf-8"))
    body = {key: value for key, value in change(request).items() if key not in ("signature", "kind", "protocol")}
    path.write_text(json.dumps(seal("request", body, keys)), encoding="utf-8")


def test_altered_and_unsigned_requests_are_refused(play):
    played = play(*FOUR)
    path = played.folder / "request_1.json"
    request = json.loads(path.read_text(encoding="utf-8"))
    for changed in (request | {"round": 7}, {k: v for k, v in request.items() if k != "signature"}):
        path.write_text(json.dumps(changed), encoding="utf-8")
        with pytest.raises(StudyError, match="altered, unsigned or signed with another key"):
            played.check("C01")
    path.write_text("{", encoding="utf-8")
    with pytest.raises(StudyError, match="damaged on its way"):
        played.check("C01")
    path.write_text(json.dumps(request | {"protocol": "pool/9"}), encoding="utf-8")
    with pytest.raises(StudyError, match="written for 'pool/9'"):
        played.check("C01")


def test_altered_answers_are_not_used_and_say_so(play):
    played = play(*FOUR)
    played.answer_all()
    path = played.folder / "answer_1_C02.json"
    message = json.loads(path.read_text(encoding="utf-8"))
    for changed, said in (
        (message | {"payload": message["payload"][::-1]}, "altered, unsigned"),
        (message | {"center": "C09"}, "not in the roster"),
        (message | {"kind": "request"}, "this is no answer"),
    ):
        path.write_text(json.dumps(changed), encoding="utf-8")
        state, is_done = played.ask()
        assert state.missing == ["C02"]
        assert not is_done
        assert said in state.problems["answer_1_C02.json"]
        assert "C02" in words.say_state(state, played.folder)


def test_another_plan_or_program_is_refused_with_the_difference_in_words(play, study):
    played = play(*FOUR)
    played.study = override_study(study, {"functional_high_risk.window_months": 18})
    with pytest.raises(StudyError, match=r"functional_high_risk.window_months: 18 here, 12 in the request"):
        played.check("C01")
    played.study = study
    rewrite(played, lambda request: request | {"code": request["code"] | {"lib/fhrmm/store.py": "0"}})
    with pytest.raises(StudyError, match=r"another version of the program. lib/fhrmm/store.py"):
        played.check("C01")


def test_second_coefficients_for_a_round_are_refused(play):
    played = play(*FOUR)
    played.answer_all()
    played.ask()
    played.answer_all()
    path = played.folder / "request_2.json"
    first = path.read_bytes()
    keys = read_keys(played.base / "key" / "keys.json")
    request = json.loads(first)
    request["ask"][0]["at"] = [0.5] * len(request["ask"][0]["at"])
    body = {key: value for key, value in request.items() if key not in ("signature", "kind", "protocol")}
    path.write_text(json.dumps(seal("request", body, keys)), encoding="utf-8")
    with pytest.raises(StudyError, match="second set of coefficients for round 2"):
        played.check("C01")


def test_a_second_question_for_round_1_is_refused(play):
    played = play(*FOUR)
    played.answer("C01")
    rewrite(played, lambda request: request | {"ask": request["ask"][:3]})
    with pytest.raises(StudyError, match="second question for round 1"):
        played.check("C01")


def test_a_request_out_of_order_or_replayed_from_another_study_is_refused(play):
    played = play(*FOUR)
    played.answer_all()
    played.ask()
    newcomer = "C01"
    shutil.rmtree(played.private(newcomer))
    member.join(played.home(newcomer), played.private(newcomer), newcomer)
    with pytest.raises(StudyError, match="not those in work/"):
        played.check(newcomer)
    register = played.private("C02") / "register.json"
    register.write_text("[]", encoding="utf-8")
    with pytest.raises(StudyError, match="replayed or out of order"):
        played.check("C02")


def test_the_same_request_is_answered_with_the_very_same_file(play):
    """Two answers to one request would have the same masks: their difference would be in clear."""
    played = play(*FOUR)
    first = played.answer("C01").read_bytes()
    played.tables = {**played.tables, "C01": played.tables["C02"]}
    assert played.answer("C01").read_bytes() == first


def test_a_roster_that_differs_by_one_is_refused(play):
    played = play(*FOUR)
    played.answer_all("C01", "C02", "C03")
    rewrite(played, lambda request: request | {"roster": request["roster"][:3], "before": digest(request)})
    with pytest.raises(StudyError, match=r"differs by C04.*numbers of C04.*--leave"):
        played.check("C01")


def test_a_larger_roster_and_another_plan_with_nearly_the_same_roster_are_refused(play, study):
    played = play(*FOUR[:3])
    played.answer("C01")
    late = make_keys()
    newcomer = {"center": "C04", **late.public()}
    rewrite(played, lambda request: request | {"roster": [*request["roster"], newcomer]})
    with pytest.raises(StudyError, match="differs by C04"):
        played.check("C01")
    played.study = override_study(study, {"functional_high_risk.window_months": 18})
    rewrite(played, lambda request: request | {"plan": request["plan"] | {"functional_high_risk.window_months": "18"}})
    with pytest.raises(StudyError, match="differs by C04"):
        played.check("C01")


def test_a_center_that_left_is_done_without_and_its_late_answer_is_refused(play, study):
    played = play(*FOUR)
    played.answer_all("C01", "C02", "C03")
    request = played.check("C04")
    member.leave(played.home("C04"), played.private("C04"), "C04", request)
    played.mail("C04", "leave_C04.json")
    assert "has signed that it leaves" in words.say_state(rounds.look(played.folder, played.study)[0], played.folder)
    with pytest.raises(StudyError, match="C04 has left this study"):
        played.check("C04")
    state, _ = played.ask()
    assert sorted(state.members) == ["C01", "C02", "C03"]
    assert all("answers another request" in problem for problem in state.problems.values())
    assert len(state.problems) == 3, "answers to the first request are not counted for the second"
    played.answer_all("C01", "C02", "C03")
    played.ask()
    counts, _ = rounds.read_rounds(played.folder, study)
    n = sum(len(played.tables[center]["patients"]) for center in FOUR[:3])
    assert counts.values("flow")[-2] == pytest.approx(n, abs=1e-6)


def test_a_forged_leave_does_not_help(play):
    played = play(*FOUR)
    played.answer_all("C01", "C02", "C03")
    request, stranger = played.check("C04"), make_keys()
    body = {"center": "C04", "plan": digest(request["plan"]), "coordinator": request["coordinator"]}
    forged = seal("leave", body, stranger)
    rewrite(played, lambda request: request | {"roster": request["roster"][:3], "left": [forged]})
    with pytest.raises(StudyError, match="altered, unsigned or signed with another key"):
        played.check("C01")


def test_a_forged_leave_in_the_folder_is_said_and_nothing_else(play):
    played = play(*FOUR)
    request = played.check("C04")
    body = {"center": "C04", "plan": digest(request["plan"]), "coordinator": request["coordinator"]}
    write_json(played.folder / "leave_C04.json", seal("leave", body, make_keys()))
    state, _ = played.ask()
    assert "signed with another key" in state.problems["leave_C04.json"]
    assert (list(state.left), state.missing) == ([], list(FOUR))


def test_who_goes_on_with_another_plan_than_was_asked_with_is_refused(play, study):
    played = play(*FOUR)
    played.answer_all()
    played.study = override_study(study, {"functional_high_risk.window_months": 18})
    with pytest.raises(StudyError, match=r"request_1.json: made with another plan.* 18 here, 12 in the request"):
        played.ask()
    assert not (played.folder / "request_2.json").exists()


def test_requests_are_read_in_the_order_of_their_rounds(tmp_path):
    body = {"before": "", "title": "", "coordinator": "", "roster": [], "plan": {}, "code": {}, "ask": []}
    for number in (1, 2, 10):
        message = seal("request", body | {"round": number, "n_numbers": 0, "left": []}, make_keys())
        write_json(tmp_path / f"request_{number}.json", message)
    assert [request["round"] for request in read_requests(tmp_path)] == [1, 2, 10]


def test_who_has_answered_cannot_leave(play):
    played = play(*FOUR)
    played.answer("C04")
    with pytest.raises(StudyError, match="leaving it now would let its numbers be worked out"):
        member.leave(played.home("C04"), played.private("C04"), "C04", played.check("C04"))


def test_data_that_changed_between_rounds_are_refused(play):
    played = play(*FOUR)
    played.answer_all()
    played.ask()
    played.tables = {**played.tables, "C01": played.tables["C02"]}
    with pytest.raises(StudyError, match="data of C01 have changed since round 1"):
        played.answer("C01")


@pytest.mark.parametrize("field", ["round", "roster", "plan", "coordinator", "ask", "left"])
def test_a_request_that_lacks_a_part_is_refused_in_words(play, field):
    played = play(*FOUR)
    path = played.folder / "request_1.json"
    request = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(request | {field: None}), encoding="utf-8")
    with pytest.raises(StudyError, match=f"no usable {field}"):
        played.check("C01")


def test_two_members_of_one_name_are_said_and_the_first_counts(play):
    played = play(*FOUR)
    (played.folder / "request_1.json").unlink()
    stranger = make_keys()
    forged = seal("member", {"center": "C02", **stranger.public()}, stranger)
    (played.folder / "member_C02_again.json").write_text(json.dumps(forged), encoding="utf-8")
    state = rounds.look(played.folder, played.study)[0]
    assert "with other keys before" in state.problems["member_C02_again.json"]
    assert state.members["C02"]["sign"] != stranger.public()["sign"]


def test_another_coordinator_is_refused(play):
    played = play(*FOUR)
    played.answer_all()
    (played.base / "key" / "keys.json").unlink()
    with pytest.raises(StudyError, match="only who asked first"):
        played.ask()


def test_an_answer_with_other_keys_makes_no_sense_and_shows_nothing(play, study):
    played = play(*FOUR)
    played.answer_all()
    path = played.folder / "answer_1_C02.json"
    message = json.loads(path.read_text(encoding="utf-8"))
    keys = read_keys(played.private("C02") / "keys.json")
    n_numbers = read_requests(played.folder)[0]["n_numbers"]
    noise = read_payload(message, n_numbers, path.name) + np.uint64(12345678901234567)
    body = {key: message[key] for key in ("round", "request", "center")} | {"payload": write_payload(noise)}
    path.write_text(json.dumps(seal("answer", body, keys)), "utf-8")
    with pytest.raises(StudyError, match="make no sense"):
        rounds.read_rounds(played.folder, study)


def test_status_says_who_is_awaited_since_when_and_what_to_do(play):
    played = play(*FOUR)
    played.answer("C02")
    said = words.say_state(rounds.look(played.folder, played.study)[0], played.folder)
    assert "1 of 4 centers answered" in said
    assert "C01, C03, C04" in said
    assert "Awaited since 20" in said
    assert "--pool-answer" in said


def test_a_person_reads_what_would_leave_before_it_does(play):
    played = play(*FOUR)
    request = played.check("C01")
    said = words.say_request(request)
    assert all(limit in said for limit in words.LIMITS)
    assert all(center in said for center in FOUR)
    shown = words.preview(request, answer(request, played.tables["C01"]))
    best = shown[shown["question"] == "response"].set_index("cell")["number"]
    assert best.sum() == len(played.tables["C01"]["patients"])
    assert "flow" in words.say_preview(shown)
    assert read_register(played.private("C01")) == [], "looking is not answering"
