"""Where screens come from: generated, fetched and prepared, or the reader's own file."""

import hashlib
import os
from dataclasses import asdict
from pathlib import Path

from pvae_lib.exceptions import InputError, nearest
from pvae_lib.screen import Screen
from pvae_lib.sources import cache

DATA_DIR = Path(__file__).resolve().parents[2] / "data"
SCREENS = (
    "twin", "twin-reduced", "twin-full", "twin-singles", "norman-subset", "norman2019", "papalexi",
    "replogle-k562", "replogle-rpe1",
)  # fmt: skip


def open_screen(
    name: str | os.PathLike = "twin",
    *,
    data_dir: str | os.PathLike | None = None,
    **columns: str | None,
) -> Screen:
    """A screen by name, or from an .h5ad file by path.

    Parameters
    ----------
    name
        "twin" (a few thousand generated cells, made in seconds), "twin-reduced", "twin-full" and
        "twin-singles" (no doubles), "norman-subset" and "papalexi" (real cells, from the folder
        PVAE_DATA), "norman2019", "replogle-k562" and "replogle-rpe1" (fetched and prepared once, or
        prepared from a local copy by their modules' command), or the path of an .h5ad file.
    data_dir
        Where downloads and generated screens are kept; by default the project's `data/`.
    columns
        For a path: what `Screen.from_anndata` takes (condition_column, control, separator,
        counts_layer, total_counts_column).

    Raises
    ------
    InputError
        Unknown name (the nearest are listed), columns given for a named screen, and whatever the
        loader of that screen refuses.
    """
    folder = DATA_DIR if data_dir is None else Path(data_dir)
    if _is_path(name):
        return Screen.from_anndata(name, **columns)
    if name not in SCREENS:
        raise InputError(
            f"No screen {str(name)!r}; {nearest(str(name), SCREENS)} "
            f"Screens: {', '.join(SCREENS)}, or the path of an .h5ad file."
        )
    if columns:
        raise InputError(f"{', '.join(columns)} describe an .h5ad file; {name!r} takes none.")
    # Imported here: each needs packages and seconds that the others do not.
    if name == "norman2019":
        from pvae_lib.sources import norman

        return cache.load(folder / f"{norman.NAME}.h5ad") or norman.load(folder)
    if name.startswith("replogle-"):
        from pvae_lib.sources import replogle

        line = name.removeprefix("replogle-")
        return cache.load(folder / f"{name}.h5ad") or replogle.load(folder, line)
    if name == "norman-subset":
        from pvae_lib.sources import subset

        return subset.load()
    if name == "papalexi":
        from pvae_lib.sources import papalexi

        return papalexi.load()
    return _open_twin(str(name), folder)


def _is_path(name: str | os.PathLike) -> bool:
    return (
        not isinstance(name, str)
        or name.endswith(".h5ad")
        or (name not in SCREENS and (os.sep in name or Path(name).is_file()))
    )


def _open_twin(name: str, folder: Path) -> Screen:
    """A generated screen; the larger ones are kept, and made anew when the generator changes."""
    from pvae_lib.sources import twin

    config = {
        "twin": twin.TwinConfig.small,
        "twin-reduced": twin.TwinConfig.reduced,
        "twin-full": twin.TwinConfig.full,
        "twin-singles": twin.TwinConfig.singles,
    }[name]()
    if name == "twin":
        return twin.make_twin(config, seed=0)[0]
    provenance = {
        "name": name,
        "config": asdict(config),
        "seed": 0,
        "generator": _digest_of_folder(Path(twin.__file__).parent),
    }
    path = folder / f"{name}.h5ad"
    screen = cache.load(path, provenance)
    if screen is None:
        screen = twin.make_twin(config, seed=0)[0]
        cache.save(screen, path, provenance)
    return screen


def _digest_of_folder(folder: Path) -> str:
    """Changes with any source file of the generator, so that no version number can be forgotten."""
    digest = hashlib.blake2b(digest_size=16)
    for path in sorted(p for p in folder.iterdir() if p.suffix in (".py", ".csv")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()
