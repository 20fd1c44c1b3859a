"""Letters of groups that do not differ."""

from __future__ import annotations


def compact_letters(methods: list[str], different: set[frozenset[str]]) -> dict[str, str]:
    """Letters so that two methods share one exactly where they do not differ (H.-P. Piepho, An
    Algorithm for a Letter-Based Representation of All-Pairwise Comparisons, 2004: insert and
    absorb). methods: best first."""
    groups = [set(methods)]
    for pair in sorted(different, key=sorted):
        first, second = sorted(pair)
        split = []
        for group in groups:
            split += [group - {first}, group - {second}] if pair <= group else [group]
        groups = [
            group
            for i, group in enumerate(split)
            if not any(group < other or (group == other and j < i) for j, other in enumerate(split))
        ]
    groups.sort(key=lambda group: [methods.index(m) for m in sorted(group, key=methods.index)])
    letters = [chr(ord("a") + i) if i < 26 else f"({i + 1})" for i in range(len(groups))]
    return {
        method: "".join(
            letter for letter, group in zip(letters, groups, strict=True) if method in group
        )
        for method in methods
    }
