"""The paper's graph of programs, judged: what one graph of Λνν(u) means, and whether it holds.

fits (trained once, kept) → mechanisms (a fit as arrays) → graphs (one graph of many; scales and
orders that data do not fix), labels (names and groups of programs), deletion (what a model loses
without its graph) → stability (over seeds), enrichment (against cells), named (the paper's three
edges) → study (all of it as one tidy table). `python -m pvae_lib.programs` records it.
"""
