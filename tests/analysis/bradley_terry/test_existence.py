"""Whether an estimate exists, against what an optimiser finds, and what is said where none does."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import linprog, minimize

from analysis.bradley_terry import Counts, has_estimate, probabilities
from analysis.ranking.quality_report import assess
from analysis.ranking.ranking import Settings, rank
from analysis.votes.votes import Votes, read
from methods.errors import InputError


def is_unique_and_near(counts: Counts, order: bool) -> bool:
    """Whether the best parameters hardly move when a pull towards zero becomes 10,000 times weaker,
    and the likelihood falls in every direction from there."""
    k, ties = len(counts.left), bool(counts.tie.any())

    def likelihood(x: np.ndarray) -> float:
        effects = [x[k - 1] if ties else -np.inf, x[-1] if order else 0]
        parameters = np.concatenate([[0], x[: k - 1], effects])
        return sum(
            float((part * np.log(np.maximum(p, 1e-300))).sum())
            for part, p in zip(counts, probabilities(parameters), strict=True)
        )

    size = k - 1 + ties + order
    found = [
        minimize(lambda x, pull=pull: pull * (x**2).sum() - likelihood(x), np.zeros(size)).x
        for pull in (1e-3, 1e-7)
    ]
    step = 1e-3 * np.eye(size)
    curvature = [
        [
            sum(s * t * likelihood(found[1] + s * a + t * b) for s in (1, -1) for t in (1, -1))
            for b in step
        ]
        for a in step
    ]
    steepest_down = np.linalg.eigvalsh(-np.array(curvature) / 4e-6).min()
    return bool(np.abs(found[1] - found[0]).max() < 1 and steepest_down > 1e-3)


@pytest.mark.parametrize("order", [False, True])
def test_it_exists_exactly_where_an_optimiser_does_not_run_away(order: bool) -> None:
    rng = np.random.default_rng(5)
    tables = []
    for k, votes in itertools.product((2, 3), (3, 5, 8, 14)):
        for _ in range(6):
            table = np.zeros((3, k, k))
            for _ in range(votes):
                i, j = rng.choice(k, 2, replace=False)
                table[rng.choice(3, p=[0.4, 0.3, 0.3]), i, j] += 1
            tables.append(Counts(*table))
    exists = [bool(has_estimate(counts, order=order)) for counts in tables]
    assert 10 < sum(exists) < 40
    for counts, found in zip(tables, exists, strict=True):
        if not (counts.left.any() or counts.right.any()):
            assert not found  # Ties alone: the optimiser has nothing to move.
        else:
            assert found == is_unique_and_near(counts, order), counts


def test_data_sets_together_are_decided_as_each_alone() -> None:
    rng = np.random.default_rng(0)
    stacked = Counts(*rng.poisson(0.2, (3, 60, 4, 4)) * (1 - np.eye(4)))
    for ties, order in itertools.product((True, False), repeat=2):
        together = has_estimate(stacked, ties=ties, order=order)
        alone = [
            bool(has_estimate(Counts(*(part[n] for part in stacked)), ties=ties, order=order))
            for n in range(60)
        ]
        assert together.tolist() == alone and 0 < sum(alone) < 60


def no_direction_by_linear_program(counts: Counts, order: bool) -> bool:
    """Whether no (d, s, h) other than 0, with d_0 = 0, lowers the likelihood of no vote."""
    k, ties = len(counts.left), bool(counts.tie.any())
    rows = []
    for (i, j), outcome in itertools.product(itertools.permutations(range(k), 2), range(3)):
        if counts[outcome][i, j]:
            lead, s = np.zeros((2, k + 2))
            lead[i], lead[j], lead[-1], s[k] = 1, -1, order, 2 * ties
            signed = (1, -1)[outcome] * lead if outcome < 2 else None
            rows += [s - lead, s + lead] if signed is None else [signed, signed - s]
    free = [*range(1, k), *([k] if ties else []), *([k + 1] if order else [])]
    conditions = np.array(rows)[:, free]
    largest = [
        -linprog(-sign * one, -conditions, np.zeros(len(rows)), bounds=(-1, 1)).fun
        for one in np.eye(len(free))
        for sign in (1, -1)
    ]
    return max(largest) < 1e-7


@pytest.mark.parametrize(
    ("k", "votes"),
    [
        (3, 7),
        (4, 12),
        *(pytest.param(*size, marks=pytest.mark.slow) for size in [(5, 16), (7, 24)]),
    ],
)
def test_it_exists_exactly_where_a_linear_program_finds_no_direction(k: int, votes: int) -> None:
    rng = np.random.default_rng(k)
    exist = 0
    for _ in range(25):
        tables = np.zeros((3, k, k))
        lean = rng.normal(0, 1, k)
        for _ in range(votes):
            i, j = rng.choice(k, 2, replace=False)
            share = 0.7 / (1 + np.exp(lean[j] - lean[i] - 1))
            tables[rng.choice(3, p=[share, 0.7 - share, 0.3]), i, j] += 1
        for order in (False, True):
            found = bool(has_estimate(Counts(*tables), order=order))
            assert found == no_direction_by_linear_program(Counts(*tables), order), tables
            exist += found
    assert 5 < exist < 45


def votes_of(folder: Path, *answers: tuple[str, int], sides: str = "AB") -> Votes:
    """Each answer so many times, one person each."""
    lines = [f"{sides[0]},{sides[1]},{answer}" for answer, times in answers for _ in range(times)]
    text = "".join(f"p{number},{line}\n" for number, line in enumerate(lines))
    (folder / "votes.csv").write_text(f"participant,left,right,choice\n{text}")
    return read(folder / "votes.csv")


def test_two_methods_with_ties_and_few_losses_are_ranked(tmp_path: Path) -> None:
    """Some resamples have no estimate: they are counted, and intervals stay finite."""
    votes = votes_of(tmp_path, ("A", 18), ("B", 2), ("tie", 4))
    found = rank(votes, Settings())
    # Davidson's model has as many parameters as there are outcomes: it fits them exactly.
    assert found.rows[0].ability - found.rows[1].ability == pytest.approx(np.log(18 / 2))
    assert np.isfinite([found.rows[0].ci_low, found.rows[0].ci_high]).all()
    assert found.rows[0].ci_high < 5 and found.pairs[0].p_value < 0.05
    note = next(note for note in found.notes if "resamples had no finite estimate" in note)
    assert 0 < int(note.split()[0]) < 300
    assert assess(votes, found).numbers["influence_participant"]["change"] < 2


def test_intervals_that_most_resamples_have_from_a_prior_are_warned_of(tmp_path: Path) -> None:
    text = "participant,left,right,choice\n"
    for number, pair in enumerate(("A,B", "A,B", "A,B", "B,C", "C,A")):
        text += f"p{number},{pair},left\n"
    (tmp_path / "votes.csv").write_text(text)
    found = rank(read(tmp_path / "votes.csv"), Settings())
    (note,) = (note for note in found.notes if "resamples had no finite estimate" in note)
    # A resample has one if all three pairs are in it.
    has_all = 1 - (2 * 0.8**5 + 0.4**5) + (0.6**5 + 2 * 0.2**5)
    assert int(note.split()[1]) == pytest.approx(1000 * (1 - has_all), abs=60)
    assert note.startswith("Warning: ") and note.endswith("depend on it more than on votes")
    few = rank(votes_of(tmp_path, ("A", 9), ("B", 2)), Settings())
    assert any(note.endswith("for each pair of methods") for note in few.notes)


def test_wins_and_ties_without_a_loss_are_refused_with_remedies(tmp_path: Path) -> None:
    votes = votes_of(tmp_path, ("B", 2), ("tie", 3))
    with pytest.raises(InputError, match=r"effect of ties .*; --ties half or --prior 1 gives one"):
        rank(votes, Settings())
    assert rank(votes, Settings(ties="half")).rows[0].method == "B"
    bounded = rank(votes, Settings(prior=1))
    assert any("of A, B come from the prior, not from votes" in n for n in bounded.notes)
    assert np.isnan([bounded.rows[0].ci_low, bounded.pairs[0].p_value]).all()


@pytest.mark.parametrize("prior", [0, 1])
@pytest.mark.parametrize("ties", [0, 3])
def test_method_and_side_cannot_be_told_apart(prior: float, ties: int, tmp_path: Path) -> None:
    votes = votes_of(tmp_path, ("A", 9), ("B", 4), ("tie", ties))
    with pytest.raises(InputError, match=r"told apart: .*\(A always on the left\); leave out --or"):
        rank(votes, Settings(order=True, prior=prior))
    assert rank(votes, Settings(prior=prior)).rows[0].method == "A"


def test_an_effect_of_the_side_that_only_a_prior_bounds_is_not_tested(tmp_path: Path) -> None:
    """A never loses on the left: so might any method if the effect is large enough."""
    rows = [f"p{n},{row}\n" for n in range(8) for row in ("A,B,left", "B,A,left", "B,A,right")]
    (tmp_path / "v.csv").write_text("participant,left,right,choice\n" + "".join(rows))
    votes = read(tmp_path / "v.csv")
    with pytest.raises(InputError, match=r"leaving out --order or --prior 1 gives one"):
        rank(votes, Settings(order=True))
    assert np.isnan(rank(votes, Settings(order=True, prior=1)).order_p)


def test_one_resample_without_an_estimate_spoils_nothing(tmp_path: Path) -> None:
    """126 wins against 8: it was p = 0.738."""
    found = rank(votes_of(tmp_path, ("A", 126), ("B", 8), ("tie", 6)), Settings())
    assert found.pairs[0].p_value < 1e-6
    assert 1.5 < found.pairs[0].ci_low < found.pairs[0].difference < found.pairs[0].ci_high < 5


@pytest.mark.parametrize("wins", range(9, 24))
def test_p_value_and_interval_never_contradict_each_other(wins: int, tmp_path: Path) -> None:
    found = rank(votes_of(tmp_path, ("A", wins), ("B", 24 - wins), ("tie", 5)), Settings())
    (pair,) = found.pairs
    assert (pair.p_value < 0.05) == (not pair.ci_low <= 0 <= pair.ci_high)


@pytest.mark.parametrize("votes", [1e4, 1e7, 1e8, 1e9])
@pytest.mark.parametrize("ties", [0, 0.3])
def test_large_weights_are_fitted_like_small_ones(
    votes: float, ties: float, tmp_path: Path
) -> None:
    """Beyond a million of them resamples were told to have no estimate."""
    path = tmp_path / "v.csv"
    rows = [
        ("a", "b", "left", votes),
        ("a", "b", "right", votes - 5),
        ("b", "c", "left", votes / 2),
    ]
    rows += [("b", "c", "right", votes / 3), ("a", "c", "tie", ties * votes)]
    lines = [",".join([*row[:3], f"{row[3]:.0f}"]) for row in rows if row[3]]
    path.write_text("left,right,choice,weight\n" + "\n".join(lines) + "\n")
    found = rank(read(path), Settings(samples=200))
    assert not any("no finite estimate" in note for note in found.notes)
    assert np.isfinite([row.ci_low for row in found.rows]).all()
    if not ties:
        ability = {row.method: row.ability for row in found.rows}
        assert ability["b"] - ability["c"] == pytest.approx(
            np.log(round(votes / 2) / round(votes / 3)), abs=1e-9
        )


@pytest.mark.parametrize("ties", [0, 2])
def test_one_loss_beside_a_billion_wins_is_fitted(ties: int, tmp_path: Path) -> None:
    """It was told to have no finite ranking, though the estimate is ln 1e9."""
    rows = ["A,B,left,1000000000", "A,B,right,1", "B,C,left,5", "C,B,left,4", f"B,C,tie,{ties}"]
    (tmp_path / "v.csv").write_text("left,right,choice,weight\n" + "\n".join(rows) + "\n")
    found = rank(read(tmp_path / "v.csv"), Settings(samples=50))
    ability = {row.method: row.ability for row in found.rows}
    if not ties:
        assert ability["A"] - ability["B"] == pytest.approx(np.log(1e9), abs=1e-9)
        assert ability["B"] - ability["C"] == pytest.approx(np.log(5 / 4), abs=1e-9)
    # At the maximum A is expected to lose as often as it did, a tie being half a loss.
    tie = found.fit.tie if ties else -np.inf
    _, lost, tied = probabilities(np.array([ability["A"], ability["B"], tie, 0]))
    assert (1e9 + 1) * (lost + tied / 2)[0, 1] == pytest.approx(1, abs=1e-6)


def test_an_estimate_past_double_precision_is_not_told_to_be_infinite(tmp_path: Path) -> None:
    rows = ["A,B,left,1e15", "A,B,right,1", "B,A,left,1", "B,A,right,5"]
    rows += ["B,C,left,5", "C,B,left,4"]
    path = tmp_path / "v.csv"
    path.write_text("left,right,choice,weight\n" + "\n".join(rows) + "\n")
    with pytest.raises(InputError) as refused:
        rank(read(path), Settings(order=True))
    assert "the estimate, which exists, is not found" in str(refused.value)
    assert "no finite" not in str(refused.value) and "--prior 1 gives" in str(refused.value)
    path.write_text("left,right,choice,weight\nA,B,left,1e40\nA,B,right,1\n")
    with pytest.raises(InputError, match=r"more than 2\^53 = 9.0e\+15 votes"):
        rank(read(path), Settings())
