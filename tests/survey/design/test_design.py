"""Who is asked what: balance, order, sides, validation questions."""

from __future__ import annotations

import itertools
from collections import Counter

import numpy as np
import pytest

from analysis.bradley_terry import Counts
from survey.design import adaptive, questionnaire
from survey.design.questionnaire import Pair, PairCount, Question
from survey.study.stimuli import Stimulus

METHODS = ("a", "b", "c", "d", "e")


def stimuli(images: int, methods: tuple[str, ...] = (*METHODS, "reference")) -> list[Stimulus]:
    return [
        Stimulus(f"{image}{method}", f"image{image:02d}", method, 8, 8, "")
        for image in range(images)
        for method in methods
    ]


def count(asked: dict[Pair, PairCount], questions: list[Question]) -> None:
    for question in questions:
        if not question.is_check:
            pair = Pair(question.image, *sorted((question.left, question.right)))
            side = "first_left" if question.left == pair.first else "second_left"
            before = asked.get(pair, PairCount())
            asked[pair] = before._replace(**{side: getattr(before, side) + 1})


def study(people: int, pool: questionnaire.Pool, pairs: int = 25, checks: int = 2) -> tuple:
    """Everybody's questions, one person after the other, and what was asked in all."""
    asked: dict[Pair, PairCount] = {}
    everybody = []
    for person in range(people):
        rng = np.random.default_rng([0, person])
        checking = questionnaire.validation_questions(pool, checks, asked, rng)
        free = questionnaire.without_checks(pool.pairs, checking)
        chosen = questionnaire.least_asked(free, asked, pairs, rng, {q.image for q in checking})
        everybody.append(questionnaire.questionnaire(chosen, checking, asked, rng))
        count(asked, everybody[-1])
    return everybody, asked


@pytest.fixture(scope="module")
def paper() -> tuple:
    """The paper's study: 34 images, 150 people, 25 pairs and 2 validation questions each."""
    pool = questionnaire.make_pool(stimuli(34), METHODS, "", "a")
    return (pool, *study(150, pool))


def test_every_pair_is_asked_nearly_equally_often_at_any_moment(paper: tuple) -> None:
    pool, everybody, _ = paper
    assert len(pool.pairs) == 34 * 10
    asked: dict[Pair, PairCount] = {}
    for questions in everybody:
        count(asked, questions)
        times = [asked.get(pair, PairCount()).total for pair in pool.pairs]
        assert max(times) - min(times) <= 1


@pytest.mark.parametrize("images", [2, 4, 5, 12])
@pytest.mark.parametrize("methods", [2, 4])
@pytest.mark.parametrize("checks", [1, 2])
def test_small_studies_are_balanced_although_checks_take_pairs(
    images: int, methods: int, checks: int
) -> None:
    """Where the original is compared too, a person's validation questions rule out pairs."""
    compared = (*METHODS[:methods], "reference")
    pool = questionnaire.make_pool(stimuli(images), compared, "", "a")
    most = pool.balanced_pairs(checks)
    for pairs in {most // 2, most - 1, most} - {0, -1}:
        everybody, _ = study(40, pool, pairs, checks)
        asked: dict[Pair, PairCount] = {}
        for questions in everybody:
            count(asked, questions)
            totals = [asked.get(pair, PairCount()).total for pair in pool.pairs]
            assert max(totals) - min(totals) <= 2
    if checks < images:
        assert most >= 1


def test_more_questions_than_that_cannot_be_balanced() -> None:
    pool = questionnaire.make_pool(stimuli(4), ("a", "b", "reference"), "", "a")
    assert (pool.balanced_pairs(2), pool.max_pairs(2)) == (6, 10)
    _, asked = study(60, pool, 10, 2)
    totals = {pair: asked[pair].total for pair in pool.pairs}
    # Whoever has the question as a validation question has no other on it: one in two.
    assert {totals[pair] for pair in pool.pairs if pair.second == "reference" != pair.first
            and pair.first == "a"} == {30}  # fmt: skip
    assert set(totals.values()) == {30, 60}


def test_nobody_is_asked_a_pair_twice_or_sees_an_image_twice_in_a_row(paper: tuple) -> None:
    for questions in paper[1]:
        assert len(questions) == 27
        pairs = {(q.image, frozenset((q.left, q.right))) for q in questions}
        assert len(pairs) == 27
        images = [question.image for question in questions]
        assert all(one != other for one, other in itertools.pairwise(images))
        # Least asked comes first, so that not all of the 34 images can be used evenly.
        asked = Counter(question.image for question in questions if not question.is_check)
        assert len(asked) >= 22 and max(asked.values()) <= 2


def test_sides_are_balanced_for_each_person_and_over_all(paper: tuple) -> None:
    _, everybody, asked = paper
    for questions in everybody:
        balance: Counter[str] = Counter()
        for question in questions:
            if not question.is_check:
                balance[question.left] += 1
                balance[question.right] -= 1
        assert max(map(abs, balance.values())) <= 2
    assert max(abs(times.lead) for times in asked.values()) <= 3
    lead: Counter[str] = Counter()
    for pair, times in asked.items():
        lead[pair.first] += times.lead
        lead[pair.second] -= times.lead
    # Of 1,500 appearances of each method.
    assert max(map(abs, lead.values())) < 30


def test_validation_questions_come_anywhere_with_the_original_on_both_sides(paper: tuple) -> None:
    places: Counter[int] = Counter()
    for questions in paper[1]:
        checks = [question for question in questions if question.is_check]
        assert sorted(question.left for question in checks) == ["a", "reference"]
        assert sorted(question.right for question in checks) == ["a", "reference"]
        places.update(place for place, q in enumerate(questions) if q.is_check)
    # 300 validation questions in 27 places: each place gets some, none gets many.
    assert len(places) == 27 and max(places.values()) < 30


def test_a_check_is_never_a_pair_that_is_asked_anyway() -> None:
    """The original is compared as a method too, and there are hardly more images than questions."""
    pool = questionnaire.make_pool(stimuli(4, ("a", "reference")), ("a", "reference"), "", "a")
    for questions in study(20, pool, pairs=2, checks=2)[0]:
        images = [question.image for question in questions]
        assert len(set(images)) == 4


def test_validation_questions_are_never_crowded_out() -> None:
    """Everybody is asked all that there is, and still gets the validation questions."""
    pool = questionnaire.make_pool(
        stimuli(6, ("a", "b", "reference")), ("a", "b", "reference"), "", "a"
    )
    assert len(pool.pairs) == 18 and pool.max_pairs(2) == 16 and pool.max_pairs(9) == 12
    for questions in study(20, pool, pairs=16, checks=2)[0]:
        assert sum(question.is_check for question in questions) == 2
        assert len({(q.image, frozenset((q.left, q.right))) for q in questions}) == 18


def test_the_same_seed_gives_the_same_questions(paper: tuple) -> None:
    pool, everybody, _ = paper
    assert study(10, pool)[0] == everybody[:10]


def test_only_pairs_against_a_method() -> None:
    pool = questionnaire.make_pool(stimuli(3), METHODS, "c", "")
    assert len(pool.pairs) == 3 * 4
    assert all("c" in pair[1:] for pair in pool.pairs)
    assert pool.check_images == []


def test_a_method_without_a_result_is_not_asked_about() -> None:
    some = [s for s in stimuli(2) if (s.image, s.method) != ("image00", "b")]
    pool = questionnaire.make_pool(some, METHODS, "", "b")
    assert Counter(pair.image for pair in pool.pairs) == {"image00": 6, "image01": 10}
    assert pool.check_images == ["image01"]


@pytest.mark.parametrize(("images", "adjacent"), [("aaabbb", 0), ("aaaab", 2), ("aa", 1), ("a", 0)])
def test_order_parts_equal_images_as_far_as_possible(images: str, adjacent: int) -> None:
    questions = [Question(image, f"m{i}", "n", False) for i, image in enumerate(images)]
    for seed in range(20):
        order = questionnaire.in_random_order(questions, np.random.default_rng(seed))
        assert sorted(order) == sorted(questions)
        pairs = itertools.pairwise(order)
        assert sum(one.image == other.image for one, other in pairs) == adjacent


def votes(abilities: list[float], each: int) -> Counts:
    """Expected votes of `each` comparisons of every two methods."""
    found = np.array(abilities)
    share = 1 / (1 + np.exp(found[None, :] - found[:, None]))
    left = np.triu(share, 1) * each
    return Counts(left, np.triu(1 - share, 1) * each, np.zeros_like(left))


def test_adaptive_asks_the_pairs_that_are_open() -> None:
    """Two methods are far ahead and close to each other: who of them is better is asked most."""
    pool = questionnaire.make_pool(stimuli(20), METHODS, "", "")
    counts = votes([3.0, 2.9, -1.0, -2.5, -4.0], each=30)
    rng = np.random.default_rng(0)
    chosen = adaptive.most_informative(pool.pairs, {}, counts, METHODS, 30, rng)
    assert len(set(chosen)) == 30
    kinds = Counter(pair[1:] for pair in chosen)
    assert kinds["a", "e"] == 0
    assert kinds["a", "b"] > kinds["a", "d"] + kinds["b", "d"] + kinds["b", "e"]


def test_adaptive_learns_more_than_equal_numbers() -> None:
    """The determinant of the information of all votes: smaller joint intervals."""
    truth = [3.0, 2.9, -1.0, -2.5, -4.0]
    pool = questionnaire.make_pool(stimuli(40), METHODS, "", "")
    counts = votes(truth, each=20)
    rng = np.random.default_rng(0)

    def information(chosen: list[Pair]) -> float:
        times = np.full((5, 5), 20.0)
        for pair in chosen:
            times[METHODS.index(pair.first), METHODS.index(pair.second)] += 1
        share = 1 / (1 + np.exp(np.subtract.outer(truth, truth)))
        weight = np.triu(times * share * (1 - share), 1)
        weight += weight.T
        laplacian = np.diag(weight.sum(0)) - weight
        return float(np.linalg.slogdet(laplacian[1:, 1:])[1])

    clever = adaptive.most_informative(pool.pairs, {}, counts, METHODS, 60, rng)
    even = questionnaire.least_asked(pool.pairs, {}, 60, rng)
    assert information(clever) > information(even) + 0.2


def test_adaptive_goes_on_when_there_is_nothing_but_ties() -> None:
    pool = questionnaire.make_pool(stimuli(2), ("a", "b"), "", "")
    ties = Counts(np.zeros((2, 2)), np.zeros((2, 2)), np.array([[0.0, 3.0], [0.0, 0.0]]))
    rng = np.random.default_rng(1)
    assert len(adaptive.most_informative(pool.pairs, {}, ties, ["a", "b"], 2, rng)) == 2


def test_adaptive_begins_without_votes_and_takes_all_there_is() -> None:
    pool = questionnaire.make_pool(stimuli(2), ("a", "b", "c"), "", "")
    nothing = Counts(*np.zeros((3, 3, 3)))
    rng = np.random.default_rng(1)
    chosen = adaptive.most_informative(pool.pairs, {}, nothing, ["a", "b", "c"], 6, rng)
    assert sorted(chosen) == sorted(pool.pairs)
