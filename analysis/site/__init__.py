"""Static pages about several runs: tables to sort, what each number means, and pictures."""
