"""`python -m analysis power`: how many people a study needs."""

from __future__ import annotations

from typing import Annotated

from typer import Option

from analysis.commands.options import numbers
from analysis.ranking import power
from methods.errors import InputError

# Moskalenko et al. 2020: 150 people, 25 pairs each.
PAPER_PEOPLE, PAPER_PAIRS = 150, 25
MOST_PEOPLE = 100_000


def plan(
    abilities: Annotated[
        str, Option(help="Expected abilities, natural logarithms, comma-separated.")
    ] = "0.9,0.6,0.3,0,-0.3",
    people: Annotated[str, Option(help="Numbers of people, comma-separated.")] = "50,100,150,300",
    pairs: Annotated[int, Option(min=1, help="Pairs that each person judges.")] = PAPER_PAIRS,
    spread: Annotated[
        float, Option(min=0, help="How much people differ: standard deviation of abilities.")
    ] = 0.5,
    failed: Annotated[
        float, Option(min=0, max=0.9, help="Share of people who will be left out.")
    ] = 0.0,
    simulations: Annotated[int, Option(min=20, help="Studies simulated for each.")] = 200,
    seed: Annotated[int, Option(min=0)] = 0,
) -> None:
    """How many people a study needs to tell methods of given abilities apart, by simulation."""
    design = power.Design(numbers(abilities, "--abilities"), pairs, spread, failed)
    if len(design.abilities) < 2:
        raise InputError(f"--abilities {abilities}: at least two are needed")
    sizes = numbers(people, "--people")
    for number in sizes:
        if not 2 <= number <= MOST_PEOPLE or number != int(number):
            raise InputError(f"--people {number:g}: whole numbers from 2 to {MOST_PEOPLE:,}")
    print(f"{len(design.abilities)} methods, {pairs} pairs each, spread {spread:g}, seed {seed}")
    print("people   votes  true order  neighbours told apart (best first)       interval")
    for number in sizes:
        found = power.power(design, int(number), simulations, seed)
        paper = " (the paper's)" if (found.people, pairs) == (PAPER_PEOPLE, PAPER_PAIRS) else ""
        shares = " ".join(f"{100 * share:4.0f} %" for share in found.separated)
        print(
            f"{found.people:6d} {found.votes:7d}  {100 * found.order:8.0f} %  {shares:38s}  "
            f"{found.interval:8.2f}{paper}"
            + (f"  {found.unranked} without a finite ranking" if found.unranked else "")
        )
    print(
        f"{simulations} simulated studies each; told apart: significantly different at 0.05 "
        "(Holm), in the true order; interval: mean width of a difference's 95 % interval"
    )
