"""Which pair to show to whom, in which order, on which side.

Every pair of methods on an image gets nearly equal numbers of votes: a participant is given those
asked least so far. Sides are balanced for each person and over all; no pair comes twice for a
person, no image twice in a row where that can be avoided; validation questions come anywhere.
All choices follow from the study's seed, the participant's number and what was asked before.
"""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from survey.study.stimuli import REFERENCE, Stimulus


class Pair(NamedTuple):
    """Two methods on an image, in alphabetical order."""

    image: str
    first: str
    second: str


class Question(NamedTuple):
    """What a participant sees. is_check: a validation question, where `reference` is right."""

    image: str
    left: str
    right: str
    is_check: bool


class Asked(NamedTuple):
    """How often a pair was asked: with its first method on the left, and with its second."""

    first_left: int = 0
    second_left: int = 0

    @property
    def total(self) -> int:
        return self.first_left + self.second_left

    @property
    def lead(self) -> int:
        return self.first_left - self.second_left


class Pool(NamedTuple):
    """pairs: that may be asked; checks: images on which `check_method` can be shown against the
    reference."""

    pairs: list[Pair]
    checks: list[str]
    check_method: str

    def most(self, checks: int) -> int:
        """Pairs that one person can be asked beside so many validation questions."""
        both = sorted((self.check_method, REFERENCE))
        asked = set(self.pairs)
        also_asked = sum(Pair(image, *both) in asked for image in self.checks)
        return len(self.pairs) - min(checks, also_asked)


def pool(
    stimuli: Iterable[Stimulus], compared: Sequence[str], against: str, check_method: str
) -> Pool:
    """All pairs of the compared methods on each image; with `against` only pairs with it."""
    by_image: dict[str, set[str]] = defaultdict(set)
    for stimulus in stimuli:
        by_image[stimulus.image].add(stimulus.method)
    pairs = [
        Pair(image, *both)
        for image in sorted(by_image)
        for both in itertools.combinations(sorted(by_image[image] & set(compared)), 2)
        if not against or against in both
    ]
    wanted = {check_method, REFERENCE}
    checks = [image for image in sorted(by_image) if check_method and wanted <= by_image[image]]
    return Pool(pairs, checks, check_method)


def checks(pool: Pool, wanted: int, rng: np.random.Generator) -> list[Question]:
    """Validation questions on different images, the reference left and right in turn."""
    images = [str(image) for image in rng.permutation(pool.checks)[:wanted]]
    start = int(rng.integers(2))
    sides = (REFERENCE, pool.check_method)
    return [
        Question(image, *(sides if (start + place) % 2 else sides[::-1]), True)
        for place, image in enumerate(images)
    ]


def without(pairs: Iterable[Pair], questions: Iterable[Question]) -> list[Pair]:
    """The pairs that none of the questions is about."""
    taken = {Pair(q.image, *sorted((q.left, q.right))) for q in questions}
    return [pair for pair in pairs if pair not in taken]


def questionnaire(
    chosen: Sequence[Pair],
    checks: Sequence[Question],
    asked: Mapping[Pair, Asked],
    rng: np.random.Generator,
) -> list[Question]:
    """The chosen pairs, with sides, and the validation questions among them, in order."""
    asked_now = [(pair, asked.get(pair, Asked())) for pair in chosen]
    questions = [
        Question(pair.image, *sides, False)
        for pair, sides in zip(chosen, _sides(asked_now, rng), strict=True)
    ]
    return arranged([*questions, *checks], rng)


def least_asked(
    pairs: Sequence[Pair],
    asked: Mapping[Pair, Asked],
    wanted: int,
    rng: np.random.Generator,
    seen: Collection[str] = (),
) -> list[Pair]:
    """Those asked least so far; among equals those whose image, then whose methods, this person
    has seen least (images also by what all people were asked); then by chance. seen: images that
    they see in validation questions."""
    before = np.array([asked.get(pair, Asked()).total for pair in pairs])
    image = _numbered(pair.image for pair in pairs)
    methods = _numbered(pair[1:] for pair in pairs)
    seen_image = np.array([pair.image in seen for pair in pairs], int)
    seen_methods = np.zeros(len(pairs), int)
    # Of all people: what is left over at the end of a round then lies on different images.
    of_image = np.bincount(image, before)[image]
    chance = rng.random(len(pairs))
    left = np.ones(len(pairs), bool)
    chosen = []
    for _ in range(min(wanted, len(pairs))):
        among = np.flatnonzero(left)
        keys = (chance, seen_methods, of_image, seen_image, before)
        best = among[np.lexsort([key[among] for key in keys])[0]]
        chosen.append(pairs[best])
        left[best] = False
        seen_image += image == image[best]
        seen_methods += methods == methods[best]
    return chosen


def _numbered(values: Iterable[object]) -> NDArray[np.intp]:
    numbers: dict[object, int] = {}
    return np.array([numbers.setdefault(value, len(numbers)) for value in values])


def _sides(asked: Sequence[tuple[Pair, Asked]], rng: np.random.Generator) -> list[tuple[str, str]]:
    """For each pair, the methods on the left and on the right.

    Steps downhill from a throw of coins: the sum, over this person's methods, of the squares of
    (times left - times right), and over pairs that of their lead among all people."""
    signs = rng.choice([-1, 1], len(asked))
    balance: Counter[str] = Counter()
    for (pair, _), sign in zip(asked, signs, strict=True):
        balance[pair.first] += sign
        balance[pair.second] -= sign
    improved = True
    while improved:
        improved = False
        for i in rng.permutation(len(asked)):
            (_, first, second), before = asked[i]
            sign = int(signs[i])
            # What turning the pair round adds to the sum of squares.
            within = 8 - 4 * sign * (balance[first] - balance[second])
            over_all = -4 * sign * before.lead
            if within + over_all < 0:
                signs[i] = -sign
                balance[first] -= 2 * sign
                balance[second] += 2 * sign
                improved = True
    return [
        (pair.first, pair.second) if sign > 0 else (pair.second, pair.first)
        for (pair, _), sign in zip(asked, signs, strict=True)
    ]


def arranged(questions: Sequence[Question], rng: np.random.Generator) -> list[Question]:
    """In random order, no image twice in a row where that can be avoided."""
    left = [questions[i] for i in rng.permutation(len(questions))]
    order: list[Question] = []
    while left:
        last = order[-1].image if order else None
        images = Counter(question.image for question in left)
        most, times = images.most_common(1)[0]
        # With more than half of what is left, an image has to come now.
        forced = most if 2 * times > len(left) and most != last else None
        fitting = [
            i for i, question in enumerate(left)
            if (question.image == forced if forced else question.image != last)
        ]  # fmt: skip
        order.append(left.pop(fitting[0] if fitting else 0))
    return order
