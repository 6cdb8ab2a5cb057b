"""Peers that the paper compares with, each re-implemented from its own paper in one file."""
