"""The twin's labels: Norman's perturbations, and gene symbols that mean what they say.

Only names are taken from the real screen. Cell-cycle genes carry the symbols of the usual marker
lists (Tirosh 2016), so that a cycle score computed from those lists works on the twin; all other
genes are numbered.
"""

from importlib import resources

import numpy as np
import pandas as pd

# The single perturbations of the paper's test split: in every twin, whatever its size.
SPLIT_SINGLES = (
    "KLF1", "BAK1", "CEBPE", "UBASH3B", "ETS2", "OSR2", "SLC4A1",
    "SET", "ELMSAN1", "MAP2K6", "FOXF1", "C19orf26", "FOXA1", "UBASH3A",
)  # fmt: skip

S_PHASE = (
    "MCM5 PCNA TYMS FEN1 MCM2 MCM4 RRM1 UNG GINS2 MCM6 CDCA7 DTL PRIM1 UHRF1 HELLS RFC2 RPA2 NASP "
    "RAD51AP1 GMNN WDR76 SLBP CCNE2 UBR7 POLD3 MSH2 ATAD2 RAD51 RRM2 CDC45 CDC6 EXO1 TIPIN DSCC1 "
    "BLM CASP8AP2 USP1 CLSPN POLA1 CHAF1B BRIP1 E2F8"
).split()
G2M_PHASE = (
    "HMGB2 CDK1 NUSAP1 UBE2C BIRC5 TPX2 TOP2A NDC80 CKS2 NUF2 CKS1B MKI67 TMPO CENPF TACC3 SMC4 "
    "CCNB2 CKAP2L CKAP2 AURKB BUB1 KIF11 ANP32E TUBB4B GTSE1 KIF20B HJURP CDCA3 CDC20 TTK CDC25C "
    "KIF2C RANGAP1 NCAPD2 DLGAP5 CDCA2 CDCA8 ECT2 KIF23 HMMR AURKA PSRC1 ANLN LBR CKAP5 CENPE "
    "CTCF NEK2 G2E3 GAS2L3 CBX5 CENPA"
).split()


def norman_labels() -> tuple[list[str], list[str]]:
    """The 105 singles and 131 doubles of Norman 2019, genes sorted, joined by "+"."""
    with resources.files(__package__).joinpath("labels.csv").open() as file:
        table = pd.read_csv(file)
    kinds = table.groupby("kind").condition.apply(list)
    return kinds["single"], kinds["double"]


def choose_labels(n_singles: int, n_doubles: int) -> tuple[list[str], list[str]]:
    """Singles and doubles of a twin with fewer conditions than Norman.

    The singles of the paper's split come first, then those that make the most doubles with the
    ones already chosen. Nine in ten doubles have both singles, where there are so many: the others
    are there because a real screen has such too.
    """
    singles, doubles = norman_labels()
    pairs = [double.split("+") for double in doubles]
    chosen = list(SPLIT_SINGLES[:n_singles])
    while len(chosen) < n_singles:
        gained = {
            gene: sum(gene in pair and (set(pair) - {gene}) <= set(chosen) for pair in pairs)
            for gene in singles
            if gene not in chosen
        }
        chosen.append(max(gained, key=gained.get))
    known = [sum(gene in chosen for gene in pair) for pair in pairs]
    in_split = [sum(gene in SPLIT_SINGLES for gene in pair) for pair in pairs]
    order = np.lexsort([[-n for n in in_split], [-n for n in known]])
    both = [doubles[i] for i in order if known[i] == 2]
    partly = [doubles[i] for i in order if known[i] < 2]
    n_partly = min(n_doubles // 10, len(partly))
    wanted = both[: n_doubles - n_partly]
    return sorted(chosen), sorted(wanted + partly[: n_doubles - len(wanted)])


def gene_names(targets: list[str], n_cycle: int, n_genes: int) -> tuple[np.ndarray, np.ndarray]:
    """Names of all genes, and the peak phase (radians, NaN where the gene does not cycle).

    Order: the targets, then the cycle genes, then the rest. The first half of the cycle genes
    that have symbols peaks in S (phase near π·0.8), the other in G2/M (near π·1.5).
    """
    markers = [name for pair in zip(S_PHASE, G2M_PHASE, strict=False) for name in pair]
    markers = [name for name in markers if name not in targets][:n_cycle]
    numbered = [f"gene{i:04d}" for i in range(1, n_genes - len(targets) - len(markers) + 1)]
    phase = np.full(n_genes, np.nan)
    start = len(targets)
    s_phase = set(S_PHASE)
    phase[start : start + len(markers)] = [
        0.8 * np.pi if name in s_phase else 1.5 * np.pi for name in markers
    ]
    return np.array([*targets, *markers, *numbered]), phase
