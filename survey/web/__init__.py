"""Serve a study as a web application, to people and to simulated participants."""
