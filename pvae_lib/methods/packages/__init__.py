"""Packages of other people behind the one surface; each is an optional extra of pyproject.toml."""
