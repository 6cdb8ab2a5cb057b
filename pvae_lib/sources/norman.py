"""Norman 2019, the paper's screen: fetched, read, prepared as the paper does, checked and kept.

`python -m pvae_lib.sources.norman` (`make norman`) does all of it; `--help` lists the choices.
"""

import argparse
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

import anndata as ad
import numpy as np
import pooch

from pvae_lib.exceptions import InputError
from pvae_lib.screen import Screen
from pvae_lib.screen.anndata_io import open_h5ad
from pvae_lib.screen.labels import genes_of
from pvae_lib.sources import DATA_DIR, cache
from pvae_lib.sources.fetch import fetch
from pvae_lib.sources.geo import EXCLUDED_GUIDES, read_geo
from pvae_lib.sources.published import NORMAN_GEO, NORMAN_SCPERTURB

NAME = "norman2019"
N_VARIABLE_GENES = 5_000
VARIABLE_OVER = ("all", "no-doubles")
PREPARATION = 1  # raised when the same file and settings come to give another screen


@dataclass(frozen=True)
class Layout:
    """How an .h5ad copy spells its labels; the defaults are scPerturb's.

    GEARS' copy: Layout("condition", "ctrl", "+", counts_layer="counts").
    """

    condition_column: str = "perturbation"
    control: str = "control"
    separator: str = "_"
    counts_layer: str | None = None
    total_counts_column: str | None = None
    guide_column: str = "guide_id"


@dataclass(frozen=True)
class Expected:
    """Shape and labels of the screen; ranges where the copies in circulation differ.

    After NegCtrl1_NegCtrl0 is dropped the full screen has 108,497 cells and 8,907 controls; GEARS'
    copy has 91,205 and 7,353.
    """

    singles: int = 105
    doubles: int = 131
    controls: tuple[int, int] = (7_000, 12_000)
    cells: tuple[int, int] = (85_000, 112_000)
    genes: tuple[int, int] = (2_000, 40_000)

    def check(self, screen: Screen) -> None:
        """Refuse a screen of another shape or with other labels.

        Raises
        ------
        InputError
            What was found and what was expected.
        """
        found = (len(screen.singles), len(screen.doubles), int(screen.is_control.sum()))
        fits = found[:2] == (self.singles, self.doubles) and all(
            low <= n <= high
            for n, (low, high) in (
                (found[2], self.controls),
                (screen.n_cells, self.cells),
                (screen.n_genes, self.genes),
            )
        )
        if not fits:
            raise InputError(
                f"This is not Norman's screen, or its labels were read wrongly: found "
                f"{screen.n_cells:,} cells × {screen.n_genes:,} genes, {found[0]} singles, "
                f"{found[1]} doubles, {found[2]:,} controls; expected {self.cells[0]:,}-"
                f"{self.cells[1]:,} cells × {self.genes[0]:,}-{self.genes[1]:,} genes, "
                f"{self.singles} singles, {self.doubles} doubles, {self.controls[0]:,}-"
                f"{self.controls[1]:,} controls. Check the file, and the columns named for it."
            )


def load(
    data_dir: str | Path,
    *,
    source: str = "scperturb",
    file: str | Path | None = None,
    layout: Layout = Layout(),
    n_genes: int = N_VARIABLE_GENES,
    variable_over: str = "all",
    expected: Expected = Expected(),
) -> Screen:
    """The prepared screen: from the data folder where it was kept, else made and kept there.

    Preparation follows the paper: median-normalised totals, log1p, highly variable genes. The full
    screen takes a few minutes and about 11 GB of memory, once (scaled from a part of its size).

    Parameters
    ----------
    data_dir
        Where downloads and the prepared screen (norman2019.h5ad) lie.
    source
        "scperturb" (one .h5ad from Zenodo) or "geo" (four raw files); both are fetched.
    file
        A local .h5ad to take instead: any copy, described by `layout`.
    n_genes, variable_over
        How many highly variable genes are kept, selected over "all" cells, as in the code base
        whose protocol the paper follows, or over the cells with "no-doubles".
    expected
        The labels and sizes that any copy must have.

    Raises
    ------
    InputError
        Unknown source, and whatever `fetch`, the readers, `Screen` and `Expected` refuse.
    """
    if source not in ("scperturb", "geo"):
        raise InputError(f"No source {source!r} of Norman's screen; known: 'scperturb', 'geo'.")
    if variable_over not in VARIABLE_OVER:
        raise InputError(
            f"variable_over is one of {', '.join(VARIABLE_OVER)}, not {variable_over!r}."
        )
    if file is not None and not Path(file).is_file():
        raise InputError(f"No file {file}; check the path.")
    data_dir = Path(data_dir)
    provenance = {
        "name": NAME,
        "preparation": PREPARATION,
        "source": "file" if file else source,
        "md5": _source_md5(source, file),
        "layout": None if source == "geo" and not file else asdict(layout),
        "n_genes": n_genes,
        "variable_over": variable_over,
    }
    kept = cache.load(data_dir / f"{NAME}.h5ad", provenance)
    if kept is not None:
        return kept
    if file is None and source == "geo":
        paths = {part: fetch(published, data_dir) for part, published in NORMAN_GEO.items()}
        adata, layout = read_geo(**paths), Layout("condition", separator="+")
    else:
        path = Path(file) if file else fetch(NORMAN_SCPERTURB, data_dir)
        adata = read_copy(path, layout)
    print(*adata.uns["notes"], sep="\n")
    screen = prepare(adata, layout, n_genes, variable_over, expected)
    cache.save(screen, data_dir / f"{NAME}.h5ad", provenance)
    return screen


def read_copy(path: Path, layout: Layout = Layout()) -> ad.AnnData:
    """An .h5ad copy of the screen without the cells of the control NegCtrl1_NegCtrl0.

    They can be told only where the copy has the column of guides; elsewhere they stay, among the
    controls. Repeated gene symbols are made unique in scanpy's way. `.uns["notes"]` says what was
    done, and whether the file has the published MD5.

    Raises
    ------
    InputError
        No such file, not an .h5ad, or a damaged one.
    """
    adata = open_h5ad(path)
    md5 = pooch.file_hash(str(path), alg="md5")
    notes = [f"{path.name} is scPerturb's published file (MD5 {md5})"]
    if md5 != NORMAN_SCPERTURB.md5:
        notes = [
            f"{path.name} has MD5 {md5}, scPerturb's published file {NORMAN_SCPERTURB.md5}: taken "
            "as another copy, checked by its shape and labels"
        ]
    if layout.guide_column in adata.obs:
        guides = adata.obs[layout.guide_column].astype(str)
        dropped = guides.isin([EXCLUDED_GUIDES, EXCLUDED_GUIDES.split("__")[0]]).to_numpy()
        notes.append(f"{dropped.sum():,} cells of the control NegCtrl1_NegCtrl0 dropped")
        adata = adata[~dropped].copy() if dropped.any() else adata
    else:
        notes.append(
            f"no column {layout.guide_column!r} of guides: cells of the control NegCtrl1_NegCtrl0, "
            "if there are any, stay among the controls"
        )
    notes.append(f"{adata.var_names.duplicated().sum()} repeated gene symbols made unique")
    adata.var_names_make_unique()
    adata.uns["notes"] = notes
    return adata


def prepare(
    adata: ad.AnnData,
    layout: Layout = Layout(),
    n_genes: int = N_VARIABLE_GENES,
    variable_over: str = "all",
    expected: Expected = Expected(),
) -> Screen:
    """A checked Screen of the `n_genes` highly variable genes; totals count all genes.

    Raises
    ------
    InputError
        Whatever `Screen.from_anndata` and `Expected.check` refuse.
    """
    screen = Screen.from_anndata(
        adata,
        condition_column=layout.condition_column,
        control=layout.control,
        separator=layout.separator,
        counts_layer=layout.counts_layer,
        total_counts_column=layout.total_counts_column,
        name=NAME,
    )
    expected.check(screen)
    cells = None
    if variable_over == "no-doubles":
        cells = np.flatnonzero([len(genes_of(label)) < 2 for label in screen.condition])
    return screen.with_variable_genes(n_genes, cells=cells)


def sanity(screen: Screen) -> dict[str, float]:
    """Two numbers of the doubles that tell a wrong normalisation at a glance.

    Their means over doubles: ‖condition mean‖₂ ("norm") and the total within-condition variance
    ("V"). Near 29 and 197 for the paper's preparation (inferred, not stated by the paper).
    """
    norms, variances = [], []
    for double in screen.doubles:
        rows = screen.expression[screen.cells_of(double)]
        mean = screen.mean(screen.cells_of(double))
        second = float(rows.multiply(rows).sum(dtype=np.float64)) / rows.shape[0]
        norms.append(np.sqrt(mean @ mean))
        variances.append(second - mean @ mean)
    return {"norm": float(np.mean(norms)), "V": float(np.mean(variances))}


def describe(screen: Screen) -> str:
    """A few lines for a person: sizes, labels and the sanity check."""
    found = sanity(screen)
    return (
        f"{screen.name}: {screen.n_cells:,} cells × {screen.n_genes:,} genes, "
        f"{len(screen.singles)} singles, {len(screen.doubles)} doubles, "
        f"{int(screen.is_control.sum()):,} controls\n"
        f"doubles: mean norm of a condition mean {found['norm']:.1f} (about 29 expected), "
        f"within-condition variance {found['V']:.0f} (about 197 expected)"
    )


def _source_md5(source: str, file: str | Path | None) -> dict[str, str]:
    if file is not None:
        return {"file": pooch.file_hash(str(file), alg="md5")}
    if source == "geo":
        return {part: published.md5 for part, published in NORMAN_GEO.items()}
    return {"file": NORMAN_SCPERTURB.md5}


def main(arguments: list[str] | None = None) -> None:
    """Fetch and prepare from the command line; an InputError ends it with its one message."""
    parser = argparse.ArgumentParser(prog="python -m pvae_lib.sources.norman", description=__doc__)
    parser.add_argument("--data-dir", type=Path, default=DATA_DIR)
    parser.add_argument("--source", choices=("scperturb", "geo"), default="scperturb")
    parser.add_argument("--file", type=Path, help="a local .h5ad to take instead of fetching")
    parser.add_argument("--n-genes", type=int, default=N_VARIABLE_GENES)
    parser.add_argument("--variable-over", choices=VARIABLE_OVER, default="all")
    for name, default in asdict(Layout()).items():
        flag = "--" + name.replace("_", "-")
        parser.add_argument(flag, default=default, help=f"of --file (default: {default})")
    options = vars(parser.parse_args(arguments))
    layout = Layout(**{name: options.pop(name) for name in asdict(Layout())})
    try:
        screen = load(layout=layout, **options)
    except InputError as error:
        sys.exit(str(error))
    print(describe(screen))
    print(f"kept in {options['data_dir'] / f'{NAME}.h5ad'}")


if __name__ == "__main__":
    main()
