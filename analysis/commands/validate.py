"""`python -m analysis validate`: whether a votes file can be ranked."""

from __future__ import annotations

from analysis.commands import options


def validate(
    file: options.VotesFile,
    participants: options.Participants = None,
    max_failed_checks: options.MaxFailedChecks = None,
    min_votes: options.MinVotes = 0,
    min_median_ms: options.MinMedian = 0.0,
    ties: options.Ties = "davidson",
    order: options.Order = False,
    prior: options.Prior = 0.0,
    column: options.Columns = None,
    answer: options.Answers = None,
    separator: options.Separator = None,
) -> None:
    """Check a votes file: who is left out, how good the rest is, and whether it can be ranked."""
    from analysis.ranking import quality_report, ranking
    from analysis.votes import exclusions, simulated

    rules = exclusions.Rules(participants, max_failed_checks, min_votes, min_median_ms)
    valid, flow = options.read_valid_votes(file, column, answer, separator, rules)
    for step in flow[1:]:
        print(f"left out: {exclusions.step_in_words(step)}")
    left = flow[-1].left_participants
    people = f" of {exclusions.people_in_words(left)}" if left else ""
    print(f"valid: {flow[-1].left_votes:,} votes{people}")
    missing = [name for name in ("participant", "image", "response_ms") if not valid.has(name)]
    if missing:
        print(f"not in the file: {', '.join(missing)}; what needs them is left out")
    if remark := simulated.count_simulated(valid).sentence:
        print(remark)
    settings = ranking.Settings(samples=200, ties=ties, order=order, prior=prior)
    ranked = ranking.rank(valid, settings)
    quality = quality_report.assess(valid, ranked)
    for text in quality.sentences + ranked.notes:
        print(text)
    for text in quality.warnings:
        print(f"warning: {text}")
