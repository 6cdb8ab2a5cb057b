"""The paper's claims, each judged by a rule on recorded tables: the claims ledger.

base (what a claim and a verdict are) → rules (verdicts out of tables) → one file a theme
(representations, predictions, ablations, identifiability, programs) → registry (all of them, and
those of one lesson) → ledger (tables for readers).
"""

from pvae_lib.claims.base import FAILS, HOLDS, OPEN, Claim, Trial, Verdict
from pvae_lib.claims.ledger import in_words, ledger, overall, page, tables
from pvae_lib.claims.registry import CLAIMS, THEMES, of, one

__all__ = [
    "CLAIMS",
    "FAILS",
    "HOLDS",
    "OPEN",
    "THEMES",
    "Claim",
    "Trial",
    "Verdict",
    "in_words",
    "ledger",
    "of",
    "one",
    "overall",
    "page",
    "tables",
]
