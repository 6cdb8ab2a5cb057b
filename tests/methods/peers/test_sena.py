import numpy as np
import pytest
import torch
from sklearn.base import clone

from pvae_lib import splits
from pvae_lib.exceptions import InputError
from pvae_lib.methods.peers.sena import PathwayLayer, SENAMethod, gene_modules, membership

PATHWAYS = {
    name: [f"G{i}" for i in range(10 * k, 10 * k + 10)]
    for k, name in enumerate(["pathway a", "pathway b", "pathway c"])
}
SMALL = {"d_z": 6, "hidden": 64, "batch_size": 64, "learning_rate": 5e-3, "beta": 0.02}
# Of the distance from the control mean to the truth, over unseen doubles: 0.16 to 0.48 with three
# seeds, 1.1 to 1.9 with alpha = 0, 1.7 after a single epoch.
RECOVERED = 0.9
APART = 2.0  # how much more the own pathway responds than the two others together


@pytest.fixture(scope="module")
def screen(screen_of_causal_factors):
    """Three pathways of ten genes, each moved by one factor, and by one perturbation."""
    rng = np.random.default_rng(0)
    mixing = np.zeros((3, 30))
    for k in range(3):
        mixing[k, 10 * k : 10 * k + 10] = rng.uniform(0.3, 1.1, 10) * rng.choice([-1, 1], 10)
    return screen_of_causal_factors(mixing, np.zeros((3, 3)))


@pytest.fixture(scope="module")
def split(screen):
    return splits.doubles_with_both_singles(screen)


def fit(screen, split, **changes) -> SENAMethod:
    parameters = {"gene_sets": PATHWAYS, "leak": 0.0, "epochs": 50, **SMALL, **changes}
    return SENAMethod(**parameters).fit(screen, split)


@pytest.fixture(scope="module")
def trained(screen, split) -> SENAMethod:
    return fit(screen, split)


def response(method: SENAMethod, screen) -> np.ndarray:
    """(3 perturbations, 3 pathways): mean change of activity, in control standard deviations."""
    activity = method.activity(screen)
    control = activity[screen.is_control]
    changes = [activity[screen.condition == t].mean() - control.mean() for t in "ABC"]
    return np.abs(np.stack(changes) / control.std().to_numpy())


def least_apart(found: np.ndarray) -> float:
    own = found.diagonal()
    return float((own / (found.sum(1) - own)).min())


def test_a_perturbation_moves_the_activity_of_its_own_pathway(screen, trained):
    assert list(trained.activity(screen).columns) == list(PATHWAYS)
    assert least_apart(response(trained, screen)) > APART


def test_with_the_mask_dropped_it_does_not(screen, split):
    assert least_apart(response(fit(screen, split, leak=1.0), screen)) < APART


def test_it_recovers_unseen_doubles_from_singles(screen, trained, error_of_means):
    assert error_of_means(trained, screen, screen.doubles) < RECOVERED


def test_without_the_discrepancy_it_does_not(screen, split, error_of_means):
    broken = fit(screen, split, alpha=0.0)
    assert error_of_means(broken, screen, screen.doubles) > RECOVERED


def test_genes_outside_a_set_enter_through_the_leak_alone():
    member = membership({"a": ["G0", "G1"], "b": ["G2"]}, ["G0", "G1", "G2", "G3"])
    np.testing.assert_array_equal(member.T, [[1, 1, 0, 0], [0, 0, 1, 0]])
    torch.manual_seed(0)
    shut, leaky = PathwayLayer(member, 0.0), PathwayLayer(member, 0.1)
    leaky.load_state_dict({**shut.state_dict(), "mask": leaky.mask})
    x = torch.tensor([[0.0, 0, 0, 50.0]])  # a gene in no set
    nothing = torch.zeros(1, 4)
    assert torch.equal(shut(x), shut(nothing))
    assert not torch.equal(leaky(x), leaky(nothing))
    x = torch.tensor([[1.0, 2, 3, 0]])
    linear = x[:, :2] @ shut.weight[:2, 0] + shut.bias[0]
    expected = torch.nn.functional.leaky_relu(linear, 0.2)
    torch.testing.assert_close(shut(x)[:, 0], expected)


def test_modules_hold_genes_that_vary_together(screen, split):
    modules = gene_modules(screen, split.train, n_modules=6)  # a pathway has two signs
    assert sorted(gene for genes in modules.values() for gene in genes) == sorted(screen.genes)
    for genes in modules.values():
        assert any(set(genes) <= set(pathway) for pathway in PATHWAYS.values())


def test_modules_see_training_cells_only(screen, split):
    alone = screen[split.train]
    expected = gene_modules(alone, np.arange(alone.n_cells), seed=3)
    assert gene_modules(screen, split.train, seed=3) == expected


def test_without_gene_sets_it_makes_modules_and_names_them_so(screen, split):
    method = clone(SENAMethod(**SMALL, epochs=1)).fit(screen, split)
    assert set(method.gene_sets_) == {"module 0", "module 1"}
    assert sum(map(len, method.gene_sets_.values())) == screen.n_genes


@pytest.mark.parametrize(
    ("gene_sets", "message"),
    [
        ({}, "no sets"),
        (["G1"], "no sets"),
        ({"a": []}, "'a'.*empty"),
        ({"a": "G1"}, "'a'.*no list"),
        ({"a": ["G1", "G99"]}, "'G99' of set 'a'.*did you mean"),
    ],
)
def test_unusable_gene_sets_are_refused(screen, split, gene_sets, message):
    with pytest.raises(InputError, match=message):
        fit(screen, split, gene_sets=gene_sets)


def test_unusable_numbers_are_refused(screen, split):
    with pytest.raises(InputError, match="leak"):
        fit(screen, split, leak=-0.1)
    with pytest.raises(InputError, match="more modules than genes"):
        gene_modules(screen, split.train, n_modules=31)


def test_a_checkpoint_of_other_gene_sets_is_refused(tmp_path, screen, split):
    path = tmp_path / "run.safetensors"
    fit(screen, split, epochs=1, checkpoint=path)
    fit(screen, split, epochs=1, checkpoint=path)
    other = {**PATHWAYS, "pathway a": ["G0"]}
    with pytest.raises(InputError, match="gene_sets was"):
        fit(screen, split, epochs=1, gene_sets=other, checkpoint=path)
