"""Rankings of methods from votes: intervals, tests, quality of the votes, power, files, plots."""
