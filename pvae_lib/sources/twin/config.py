"""What a twin is made of: every option, with the calibrated defaults."""

from dataclasses import dataclass

from pvae_lib.exceptions import InputError


@dataclass(frozen=True)
class TwinConfig:
    """Sizes and strengths of a twin. `small()`, `reduced()` and `full()` give the named sizes.

    The strengths are calibrated on constants measured on Norman's real screen: see
    `pvae_lib.sources.twin.calibration`. `background` and `signal` multiply them (1 = calibrated);
    their ratio is what a sweep of background against signal turns.
    """

    name: str = "twin"
    n_cells: int = 5_000
    n_genes: int = 500
    n_singles: int = 22
    n_doubles: int = 20
    n_controls: int = 500
    min_cells: int = 80
    min_cells_split: int = 144
    """Cells of the singles in the paper's test split, which takes 96 of each."""

    background: float = 1.0
    signal: float = 1.0
    interactions: float = 1.0
    """Share of interacting doubles, relative to the calibrated one."""

    # Library and abundance (UMI). The kept genes hold about 22 % of a cell's UMI: with a
    # log-normal of abundances this share is the one that gives Norman's ‖mean‖² and V at once.
    library_median: float = 13_523.0
    library_sd_within: float = 0.37
    library_sd_between: float = 0.19
    abundance_log_mean: float = -5.53
    abundance_log_sd: float = 3.27
    abundance_break: float = 0.7
    abundance_log_sd_silent: float = 9.0
    """Below the break (a standard normal quantile) abundance falls off faster: silent genes."""
    abundance_max: float = 300.0
    genes_of_the_full_twin: int = 5_000
    """A smaller twin keeps the most abundant of this many genes: they carry the statistics."""

    # Background: cell cycle and state.
    cycle_share: float = 0.10
    cycle_amplitude: float = 0.9
    n_programs: int = 24
    state_rank: int = 5
    state_sd: float = 0.45

    # Effects.
    effect_quantiles: tuple[float, ...] = (0.0055, 0.0125, 0.03, 0.185, 0.24)
    """‖δ‖²/V of singles at the quantiles 0, 25, 50, 75 and 100 %, before escape and cell state."""

    selection: float = 0.15
    """How much the strong singles are those chosen for many doubles, from 0 to 1."""
    shared_drive: float = 1.1
    n_axes: int = 12
    axis_decay: float = 0.5
    likeness: float = 0.8
    """How much of its effect a target shares with its relatives (symbols that begin alike)."""
    steadiness: float = 0.1
    """Exponent by which abundant genes respond less."""

    regulon_share: float = 0.09
    regulon_sd: float = 2.4
    escape: float = 0.08
    dose_shape: float = 8.0
    competition: float = 0.1

    # Classes of doubles (the rest is additive) before `interactions`.
    p_synergy: float = 0.07
    p_buffering: float = 0.14
    p_epistasis: float = 0.09
    p_neomorphic: float = 0.09

    def __post_init__(self) -> None:
        if not 1 <= self.n_singles <= 105 or not 0 <= self.n_doubles <= 131:
            raise InputError(
                f"a twin has 1 to 105 singles and 0 to 131 doubles, not {self.n_singles} and "
                f"{self.n_doubles}: Norman's screen has no more names"
            )
        if min(self.background, self.signal, self.interactions) < 0:
            raise InputError("background, signal and interactions multiply strengths: give ≥ 0")

    @classmethod
    def small(cls, **changes: object) -> "TwinConfig":
        """5,000 cells × 500 genes, 22 singles, 20 doubles: made in a second."""
        return cls(**changes)

    @classmethod
    def reduced(cls, **changes: object) -> "TwinConfig":
        """About 20,000 cells × 1,000 genes, all 105 singles and 131 doubles.

        A fifth of the cells a condition: means are noisier than at full size (the additive mean's
        ΔPearson is about .76 here, .89 there).
        """
        sizes = dict(
            name="twin-reduced", n_cells=20_000, n_genes=1_000, n_singles=105, n_doubles=131,
            n_controls=1_700, min_cells=24,
        )  # fmt: skip
        return cls(**{**sizes, **changes})

    @classmethod
    def singles(cls, **changes: object) -> "TwinConfig":
        """About 17,000 cells × 1,000 genes, 105 singles of 150 cells on average, no doubles.

        Laid out like Replogle's screens of single genes, for that protocol; the strengths stay
        those calibrated on Norman's, whose effects differ.
        """
        sizes = dict(
            name="twin-singles", n_cells=17_000, n_genes=1_000, n_singles=105, n_doubles=0,
            n_controls=1_250, min_cells=24,
        )  # fmt: skip
        return cls(**{**sizes, **changes})

    @classmethod
    def full(cls, **changes: object) -> "TwinConfig":
        """105,528 cells × 5,000 genes, all conditions: the size of Norman's screen."""
        sizes = dict(
            name="twin-full", n_cells=105_528, n_genes=5_000, n_singles=105, n_doubles=131,
            n_controls=8_900, min_cells=24,
        )  # fmt: skip
        return cls(**{**sizes, **changes})
