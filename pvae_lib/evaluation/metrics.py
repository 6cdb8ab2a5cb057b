"""The catalogue of metrics: the name in tidy tables, the label for readers, which way is better."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Metric:
    """How to show one metric; `better` is None where neither direction is."""

    label: str
    better: Literal["lower", "higher"] | None


METRICS: dict[str, Metric] = {
    "nrmse": Metric("nRMSE", "lower"),
    "bias2_over_V": Metric("bias² / V", "lower"),
    "var_over_V": Metric("Var(x̂) / V", None),
    "V": Metric("V", None),
    "r2_inherited": Metric("R² (inherited)", "higher"),
    "r2_inherited_batch32": Metric("R² (inherited, batches of 32)", "higher"),
    "r2": Metric("R²", "higher"),
    "r2_pearson": Metric("squared Pearson", "higher"),
    "delta_pearson_control": Metric("ΔPearson vs control", "higher"),
    "delta_pearson_centroid": Metric("ΔPearson vs perturbed mean", "higher"),
    "nrmse_de20": Metric("nRMSE, DE-20", "lower"),
    "delta_pearson_control_de20": Metric("ΔPearson vs control, DE-20", "higher"),
    "delta_pearson_centroid_de20": Metric("ΔPearson vs perturbed mean, DE-20", "higher"),
    "mmd": Metric("MMD (unbiased)", "lower"),
    "mmd_biased32": Metric("MMD (biased, n = 32)", "lower"),
    "mmd_biased32_null": Metric("MMD (biased) of real halves", None),
    "e_distance": Metric("E-distance", "lower"),
    "discrimination": Metric("discrimination", "higher"),
    "coverage_50": Metric("coverage of 50 % intervals", None),
    "coverage_90": Metric("coverage of 90 % intervals", None),
}

FLOOR = "floor (oracle mean)"
CEILING = "ceiling (real cells)"
# The rows of every table, in the order in which they are shown.
REFERENCES = (
    "control mean",
    "perturbed mean",
    "additive",
    FLOOR,
    CEILING,
    "control cells",
    "control cells + additive",
)
# The order of columns in a tidy table: one row a condition, method, metric and seed.
COLUMNS = ("screen", "method", "condition", "metric", "seed", "value")
# The label under which means over conditions stand in the column `condition`.
ALL = "all"
