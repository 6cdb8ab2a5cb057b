"""The ledger: claims × data → verdicts, as tables for readers."""

from collections.abc import Sequence
from html import escape
from pathlib import Path

import pandas as pd

from pvae_lib import results
from pvae_lib.claims.base import VERDICTS, Claim, Tables, agreed
from pvae_lib.claims.registry import CLAIMS

LEFT = "text-align: left; vertical-align: top; font-weight: normal; white-space: normal"


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


def page(rows: pd.DataFrame) -> str:
    """The rows of a `ledger` as an HTML table: a claim with its threshold, then its data."""
    whole = overall(rows)["verdict"]
    lines = [
        '<table style="text-align: left"><thead><tr>',
        *(f'<th scope="col">{name}</th>' for name in ("claim", "data", "verdict", "why")),
        "</tr></thead><tbody>",
    ]
    for id, own in rows.groupby("id", sort=False):
        first = own.iloc[0]
        text = f"{first['claim']} {first['source']}; {first['where']}."
        head = (
            f'<th scope="rowgroup" rowspan="{len(own)}" style="{LEFT}; max-width: 22em">'
            f"{escape(text)} <b>{whole[id]}</b><br><small>{escape(first['threshold'])}</small></th>"
        )
        for row in own.itertuples():
            data = row.data if row.decides else f"{row.data} (decides nothing)"
            cells = "".join(
                f'<td style="{LEFT}">{escape(x)}</td>' for x in (data, row.verdict, row.why)
            )
            lines.append(f"<tr>{head}{cells}</tr>")
            head = ""
    return "\n".join([*lines, "</tbody></table>"])


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
