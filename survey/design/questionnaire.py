"""Which pairs a participant is shown, in which order and on which sides.

Every pair of methods on an image gets nearly equal numbers of votes: a participant gets the pairs
that were asked least so far. Sides are balanced for each participant and over all; nobody gets a
pair twice or, where that can be avoided, an image twice in a row; validation questions come at
random places. All choices follow from the study's seed, the participant's number and the
questions asked before.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from methods.labels import REFERENCE
from survey.study.stimuli import Stimulus


class Pair(NamedTuple):
    """Two methods on an image, in alphabetical order."""

    image: str
    first: str
    second: str

    @classmethod
    def of(cls, image: str, one: str, other: str) -> Pair:
        """Return the pair of two methods given in any order."""
        return cls(image, *sorted((one, other)))


class Question(NamedTuple):
    """A question; `is_check`: a validation question, whose right answer is the reference."""

    image: str
    left: str
    right: str
    is_check: bool

    @property
    def pair(self) -> Pair:
        return Pair.of(self.image, self.left, self.right)


class PairCount(NamedTuple):
    """Numbers of questions on a pair with its first, and with its second method on the left."""

    first_left: int = 0
    second_left: int = 0

    @property
    def total(self) -> int:
        return self.first_left + self.second_left

    @property
    def lead(self) -> int:
        """The excess of questions with the first method on the left."""
        return self.first_left - self.second_left


PairCounts = Mapping[Pair, PairCount]


class Pool(NamedTuple):
    """All pairs of a study, and the images with both methods of its validation questions."""

    pairs: list[Pair]
    check_images: list[str]
    check_method: str

    def check_pair(self, image: str) -> Pair:
        """Return the pair of the validation question on an image."""
        return Pair.of(image, self.check_method, REFERENCE)

    def max_pairs(self, checks: int) -> int:
        """Return how many pairs one participant can be asked beside so many checks."""
        return len(self.pairs) - min(checks, self.shared)

    def balanced_pairs(self, checks: int) -> int:
        """Return with how many pairs a participant all pairs can be asked equally often.

        Those of validation questions are left to the participants who have others.
        """
        if not self.shared:
            return len(self.pairs)
        return math.floor(len(self.pairs) * (1 - checks / len(self.check_images)))

    @property
    def shared(self) -> int:
        """The number of pairs that may be a validation question too."""
        pairs = set(self.pairs)
        return sum(self.check_pair(image) in pairs for image in self.check_images)


def make_pool(
    stimuli: Iterable[Stimulus], methods: Sequence[str], against: str, check_method: str
) -> Pool:
    """Return all pairs of the methods on each image; with `against` only pairs with that one."""
    methods_of: dict[str, set[str]] = defaultdict(set)
    for stimulus in stimuli:
        methods_of[stimulus.image].add(stimulus.method)
    pairs = [
        Pair(image, *both)
        for image in sorted(methods_of)
        for both in itertools.combinations(sorted(methods_of[image] & set(methods)), 2)
        if not against or against in both
    ]
    needed = {check_method, REFERENCE}
    check_images = [
        image for image in sorted(methods_of) if check_method and needed <= methods_of[image]
    ]
    return Pool(pairs, check_images, check_method)


def validation_questions(
    pool: Pool, number: int, counts: PairCounts, rng: np.random.Generator
) -> list[Question]:
    """Return validation questions on different images, the reference on alternating sides.

    A participant is not asked about the two images of a validation question again, so these are
    the pairs that were asked most so far, at random among equals.
    """
    images = [str(image) for image in rng.permutation(pool.check_images)]
    images.sort(key=lambda image: -_asked(pool.check_pair(image), counts))
    images = images[:number]
    start = int(rng.integers(2))
    sides = (REFERENCE, pool.check_method)
    return [
        Question(image, *(sides if (start + place) % 2 else sides[::-1]), True)
        for place, image in enumerate(images)
    ]


def _asked(pair: Pair, counts: PairCounts) -> int:
    return counts.get(pair, PairCount()).total


def without_checks(pairs: Iterable[Pair], checks: Iterable[Question]) -> list[Pair]:
    """Return the pairs that no validation question is about."""
    checked = {check.pair for check in checks}
    return [pair for pair in pairs if pair not in checked]


def questionnaire(
    pairs: Sequence[Pair],
    checks: Sequence[Question],
    counts: PairCounts,
    rng: np.random.Generator,
) -> list[Question]:
    """Choose sides for pairs, and return them with the validation questions in random order."""
    leads = [counts.get(pair, PairCount()).lead for pair in pairs]
    questions = [
        Question(pair.image, *sides, False)
        for pair, sides in zip(pairs, _sides(pairs, leads, rng), strict=True)
    ]
    return in_random_order([*questions, *checks], rng)


def least_asked(
    pairs: Sequence[Pair],
    counts: PairCounts,
    number: int,
    rng: np.random.Generator,
    check_images: Collection[str] = (),
) -> list[Pair]:
    """Return the pairs asked least so far.

    Ties are broken by how often the participant sees the image, how often everybody was asked
    about the image, how often the participant sees the two methods, and at random, in this order.
    `check_images` are those that the participant sees in validation questions.
    """
    times_asked = np.array([_asked(pair, counts) for pair in pairs])
    image = _numbered(pair.image for pair in pairs)
    methods = _numbered(pair[1:] for pair in pairs)
    seen_image = np.array([pair.image in check_images for pair in pairs], int)
    seen_methods = np.zeros(len(pairs), int)
    # So that the pairs left over at the end of a round are on different images.
    image_asked = np.bincount(image, times_asked)[image]
    chance = rng.random(len(pairs))
    available = np.ones(len(pairs), bool)
    chosen = []
    for _ in range(min(number, len(pairs))):
        candidates = np.flatnonzero(available)
        keys = (chance, seen_methods, image_asked, seen_image, times_asked)
        best = candidates[np.lexsort([key[candidates] for key in keys])[0]]
        chosen.append(pairs[best])
        available[best] = False
        seen_image += image == image[best]
        seen_methods += methods == methods[best]
    return chosen


def _numbered(values: Iterable[object]) -> NDArray[np.intp]:
    numbers: dict[object, int] = {}
    return np.array([numbers.setdefault(value, len(numbers)) for value in values])


def _sides(
    pairs: Sequence[Pair], leads: Sequence[int], rng: np.random.Generator
) -> list[tuple[str, str]]:
    """Return the left and the right method of each pair.

    Random sides are improved, one pair at a time, until no change lowers the sum of two terms:
    over the participant's methods, the squares of (times left - times right); over the pairs, the
    squares of their leads among all participants.
    """
    signs = rng.choice([-1, 1], len(pairs))
    balance: Counter[str] = Counter()
    for pair, sign in zip(pairs, signs, strict=True):
        balance[pair.first] += sign
        balance[pair.second] -= sign
    improved = True
    while improved:
        improved = False
        for i in rng.permutation(len(pairs)):
            _, first, second = pairs[i]
            sign = int(signs[i])
            # Changes of the two terms when the sides are swapped.
            change_within = 8 - 4 * sign * (balance[first] - balance[second])
            change_over_all = -4 * sign * leads[i]
            if change_within + change_over_all < 0:
                signs[i] = -sign
                balance[first] -= 2 * sign
                balance[second] += 2 * sign
                improved = True
    return [
        (pair.first, pair.second) if sign > 0 else (pair.second, pair.first)
        for pair, sign in zip(pairs, signs, strict=True)
    ]


def in_random_order(questions: Sequence[Question], rng: np.random.Generator) -> list[Question]:
    """Shuffle questions, without an image twice in a row where that can be avoided."""
    remaining = [questions[i] for i in rng.permutation(len(questions))]
    order: list[Question] = []
    while remaining:
        last = order[-1].image if order else None
        most_frequent, times = Counter(q.image for q in remaining).most_common(1)[0]
        # An image with more than half of the remaining questions has to come now.
        forced = 2 * times > len(remaining) and most_frequent != last
        suitable = (
            i
            for i, question in enumerate(remaining)
            if (question.image == most_frequent if forced else question.image != last)
        )
        order.append(remaining.pop(next(suitable, 0)))
    return order
