"""Who stands where: ranks on each track side by side, because one track can flatter."""

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

from pvae_lib.evaluation.metrics import CEILING, FLOOR, METRICS
from pvae_lib.exceptions import InputError, nearest
from pvae_lib.leaderboard.registry import ROWS
from pvae_lib.results import overall

LEARN_FROM_DOUBLES = tuple(name for name, row in ROWS.items() if row.sees_doubles)


def ranks(
    tracks: Mapping[str, pd.DataFrame], metric: str, leave_out: Iterable[str] = LEARN_FROM_DOUBLES
) -> pd.DataFrame:
    """Rank of every method on every track, 1 best, by its mean over conditions and seeds.

    Floor and ceiling are no methods and take no rank. Ties share the mean of their ranks.

    Parameters
    ----------
    tracks
        Name of the track → tidy table of one screen.
    metric
        One that has a better direction.
    leave_out
        Methods without a rank; by default those that learn from doubles, no like-for-like rivals.

    Returns
    -------
    Rows methods, in order of their mean rank; columns tracks; NaN where a track has no value.

    Raises
    ------
    InputError
        Unknown metric, one without a better direction, or a table of several screens.
    """
    if metric not in METRICS:
        raise InputError(f"No metric {metric!r}; {nearest(metric, METRICS)}")
    better = METRICS[metric].better
    if better is None:
        raise InputError(f"Neither direction of {metric!r} is better, so it gives no ranks.")
    found = {}
    for track, table in tracks.items():
        wide = overall(table)
        if wide.index.get_level_values("screen").nunique() != 1:
            raise InputError(f"Track {track!r} holds several screens; give one table a screen.")
        wide = wide.droplevel("screen")
        values = wide[metric] if metric in wide else pd.Series(np.nan, index=wide.index)
        values = values.drop([FLOOR, CEILING, *leave_out], errors="ignore")
        found[track] = values.rank(ascending=better == "lower")
    table = pd.DataFrame(found)
    return table.loc[table.mean(axis=1).sort_values(kind="stable").index]
