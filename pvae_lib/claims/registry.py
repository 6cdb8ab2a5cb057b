"""All claims, by theme."""

from pvae_lib.claims import ablations, identifiability, predictions, programs, representations
from pvae_lib.claims.base import Claim
from pvae_lib.exceptions import InputError, nearest

THEMES: dict[str, tuple[Claim, ...]] = {
    "Representations": representations.CLAIMS,
    "Predictions": predictions.CLAIMS,
    "Parts of the model": ablations.CLAIMS,
    "Identifiability": identifiability.CLAIMS,
    "The graph": programs.CLAIMS,
}
CLAIMS: tuple[Claim, ...] = tuple(claim for theme in THEMES.values() for claim in theme)


def of(lesson: str) -> tuple[Claim, ...]:
    """The claims tested in a lesson, by its notebook's name, such as "08_ablations".

    Raises
    ------
    InputError
        No claim is tested there.
    """
    found = tuple(claim for claim in CLAIMS if claim.lesson == lesson)
    if not found:
        known = sorted({claim.lesson for claim in CLAIMS})
        raise InputError(f"No claim is tested in a lesson {lesson!r}; {nearest(lesson, known)}")
    return found


def one(id: str) -> Claim:
    """The claim of this id.

    Raises
    ------
    InputError
        Unknown id.
    """
    found = {claim.id: claim for claim in CLAIMS}
    if id not in found:
        raise InputError(f"No claim {id!r}; {nearest(id, found)}")
    return found[id]
