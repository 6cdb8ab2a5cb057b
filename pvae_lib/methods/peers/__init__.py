"""Peers that the paper compares with, each re-implemented in one file, without its code."""
