"""What can be chosen about the network and its objective, with the paper's values as defaults."""

from dataclasses import dataclass
from numbers import Integral

from pvae_lib.exceptions import InputError, check_number, check_whole

MECHANISMS = ("mlp", "linear")
SCMS = ("full", "diagonal")
PRIOR_VARIANCES = ("softplus", "fixed")
REDUCTIONS = ("mean", "sum", "learned_variance")
ANNEALINGS = ("linear", "constant")


def one_of(name: str, value: str, known: tuple[str, ...]) -> None:
    """Raise InputError unless `value` is one of the `known` choices of option `name`."""
    if value not in known:
        raise InputError(f"{name}={value!r} is unknown: choose one of {', '.join(known)}.")


@dataclass(frozen=True)
class PerturbedVAEConfig:
    """Sizes and switches of the network (paper, Table 7: hidden 256, (d_nu, d_iota) = (20, 85)).

    mechanism: u → (Λνν, Λνι, μν, βν) by a one-hidden-layer MLP or "linear" in u (additive in the
        latent space). The paper does not say which; this choice decides what an unseen double
        extrapolates to.
    scm: "full", or "diagonal" (Λνν = Λνι = 0: the simplest SCM).
    prior_variance: βν(u) from a softplus head with floor 1e-3, or "fixed" at 1 (inferred).
    layers: hidden layers in the encoder and in the decoder.
    learned_variance: one learned variance per gene, for the Gaussian likelihood and for decoder
        noise; otherwise the variance is measured from the residuals after training.
    """

    n_genes: int
    n_targets: int
    d_nu: int = 20
    d_iota: int = 85
    hidden: int = 256
    layers: int = 1
    mechanism: str = "mlp"
    mechanism_hidden: int = 256
    scm: str = "full"
    prior_variance: str = "softplus"
    learned_variance: bool = False

    def __post_init__(self) -> None:
        if isinstance(self.d_nu, Integral) and self.d_nu < 1:
            raise InputError(
                f"d_nu={self.d_nu}: the responsive block needs at least one dimension; "
                "without it no perturbation can be expressed. The paper's choice is 20."
            )
        check_whole(
            n_genes=self.n_genes, n_targets=self.n_targets, d_nu=self.d_nu, d_iota=self.d_iota,
            hidden=self.hidden, layers=self.layers, mechanism_hidden=self.mechanism_hidden,
        )  # fmt: skip
        one_of("mechanism", self.mechanism, MECHANISMS)
        one_of("scm", self.scm, SCMS)
        one_of("prior_variance", self.prior_variance, PRIOR_VARIANCES)


@dataclass(frozen=True)
class ObjectiveConfig:
    """Weights of the objective (paper, Table 7: w_kl_nu = w_kl_iota = 1e-2, alpha = 0.05).

    reconstruction: squared error averaged over genes ("mean", inferred), summed over genes
        ("sum"), or a Gaussian negative log-likelihood with "learned_variance" per gene.
    annealing: "linear" (KL weights 0 for the first 10 % of the steps, full from 60 %; the paper
        says only that they are annealed) or "constant".
    w_mmd: weight of the MMD between observed cells and cells generated from controls (paper,
        Table 11; its form is inferred, see `Objective`). 0: no such term.
    """

    w_kl_nu: float = 1e-2
    w_kl_iota: float = 1e-2
    alpha: float = 0.05
    reconstruction: str = "mean"
    annealing: str = "linear"
    w_mmd: float = 0.0

    def __post_init__(self) -> None:
        check_number(
            w_kl_nu=self.w_kl_nu, w_kl_iota=self.w_kl_iota, alpha=self.alpha, w_mmd=self.w_mmd
        )
        one_of("reconstruction", self.reconstruction, REDUCTIONS)
        one_of("annealing", self.annealing, ANNEALINGS)
