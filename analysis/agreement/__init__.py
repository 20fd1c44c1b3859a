"""Agreement of objective metrics with the preferences of people."""
