"""The ledger: claims × data → verdicts, as tables for readers."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from pvae_lib import results
from pvae_lib.claims.base import VERDICTS, Claim, Tables, agreed
from pvae_lib.claims.registry import CLAIMS


def tables(
    claims: Sequence[Claim] | None = None, folder: str | Path = results.RECORDED
) -> dict[str, pd.DataFrame]:
    """The recorded tables that the claims read, by name; those not recorded are left out."""
    names = dict.fromkeys(name for claim in _all(claims) for name in claim.tables)
    there = [name for name in names if (Path(folder) / f"{name}.csv").exists()]
    return {name: results.recorded(name, folder)[0] for name in there}


def ledger(claims: Sequence[Claim] | None = None, given: Tables | None = None) -> pd.DataFrame:
    """One row a claim and set of data.

    Parameters
    ----------
    claims
        Of the registry; None is all of them.
    given
        Tables by name; None is what is recorded.

    Returns
    -------
    Columns id, short, claim, source, where, threshold, data, decides, verdict, numbers (a dict)
    and why.
    """
    claims = _all(claims)
    given = tables(claims) if given is None else given
    rows = []
    for claim in claims:
        for trial in claim.trials:
            found = trial.judge(given)
            rows.append(
                {
                    **_facts(claim),
                    "data": trial.data,
                    "decides": trial.decides,
                    "verdict": found.verdict,
                    "numbers": found.numbers,
                    "why": found.why,
                }
            )
    return pd.DataFrame(rows)


def overall(rows: pd.DataFrame) -> pd.DataFrame:
    """One row a claim, by id, of a `ledger`: what the data that decide agree on.

    Returns
    -------
    Columns short, claim, source, where, threshold, verdict (as `Claim.judge` gives it).
    """
    found = []
    for claim, own in rows.groupby("id", sort=False):
        facts = own.iloc[0][["short", "claim", "source", "where", "threshold"]].to_dict()
        decided = agreed(own.loc[own["decides"], "verdict"])
        found.append({"id": claim, **facts, "verdict": decided})
    return pd.DataFrame(found).set_index("id")


def page(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of a `ledger` as a table to read: claim × data → verdict, reason."""
    whole = overall(rows)["verdict"]
    found = rows.assign(
        claim=[
            f"{r.claim} [{r.source}; {r.where}] — {whole[r.id]}. Threshold: {r.threshold}."
            for r in rows.itertuples()
        ],
        data=[d if decides else f"{d} (decides nothing)" for d, decides in
              zip(rows["data"], rows["decides"], strict=True)],
    )  # fmt: skip
    return found.set_index(["claim", "data"])[["verdict", "why"]]


def in_words(whole: pd.DataFrame) -> str:
    """Which claims of an `overall` hold, which do not, and which cannot be told, as Markdown."""
    lines = []
    for verdict in VERDICTS:
        names = whole.loc[whole["verdict"] == verdict, "short"]
        listed = "; ".join(names) if len(names) else "none"
        lines.append(f"- **{verdict}** ({len(names)} of {len(whole)}): {listed}")
    return "\n".join(lines)


def _facts(claim: Claim) -> dict[str, str]:
    return {
        "id": claim.id,
        "short": claim.short,
        "claim": claim.text,
        "source": claim.source,
        "where": claim.where,
        "threshold": claim.threshold,
    }


def _all(claims: Sequence[Claim] | None) -> Sequence[Claim]:
    return CLAIMS if claims is None else claims
