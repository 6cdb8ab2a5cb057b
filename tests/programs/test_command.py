import pytest
import yaml

from pvae_lib import results
from pvae_lib.methods.perturbed_vae import PerturbedVAEMethod
from pvae_lib.programs.__main__ import main


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    folder = tmp_path_factory.mktemp("programs")
    arguments = [
        "--screen", "twin", "--seeds", "0", "1", "--settings", "PerturbedVAE", "--epochs", "1",
        "--out", str(folder),
    ]  # fmt: skip
    assert main(arguments) == 0
    return folder, arguments


def test_a_table_and_its_command_are_written(recorded):
    folder, _ = recorded
    table = results.read(folder / "causal_graph_twin.csv")
    assert set(table["screen"]) == {"twin"}
    assert set(table["seed"].dropna()) == {0, 1}
    said = table.set_index(["method", "condition", "metric"])["value"].sort_index()
    assert said["PerturbedVAE", "graph: mean", "edges_possible"].eq(190).all()
    assert 0 < said["PerturbedVAE", "stability by label", "rank_correlation_p"].item() <= 1
    assert said["cells", "TP73 → CDKN1A", "source_trained"].item() == 0
    p = table.loc[table["metric"].str.startswith("p_"), "value"].dropna()
    assert p.between(0, 1).all() and len(p) > 10
    assert not table.duplicated(["method", "condition", "metric", "seed"]).any()
    record = yaml.safe_load((folder / "causal_graph_twin.yaml").read_text())
    assert record["command"].startswith("python -m pvae_lib.programs --screen twin --seeds 0 1")
    assert "not Norman" in record["note"]


def test_what_is_fitted_is_not_fitted_again_and_gives_the_same_table(recorded, monkeypatch):
    folder, arguments = recorded
    before = (folder / "causal_graph_twin.csv").read_text()
    monkeypatch.setattr(PerturbedVAEMethod, "fit", lambda *_: pytest.fail("fitted again"))
    assert main(arguments) == 0
    assert (folder / "causal_graph_twin.csv").read_text() == before
