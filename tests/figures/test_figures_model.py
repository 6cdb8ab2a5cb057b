"""Figures of the model's equations, read back from the drawn artists."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from pvae_lib.exceptions import InputError
from pvae_lib.figures.model import backgrounds_figure, convergence_figure, matrices_figure


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def test_matrices_write_every_entry_and_the_signs():
    matrices = {"I": np.eye(2), "Λ": np.array([[0, 0], [-0.5, 0]])}
    fig = matrices_figure(matrices, ["1", "2"], ["+"])
    first, second = fig.axes
    assert [t.get_text() for t in first.texts] == ["1", "0", "0", "1", ""]
    assert [t.get_text() for t in second.texts] == ["0", "0", "−0.5", "0", "+"]
    # One colour scale for all, or equal entries would differ in colour.
    assert first.images[0].get_clim() == second.images[0].get_clim() == (-0.5, 1.0)


def test_matrices_refuse_a_wrong_number_of_signs():
    with pytest.raises(InputError, match="2 matrices need 1"):
        matrices_figure({"a": np.eye(2), "b": np.eye(2)}, ["1", "2"], [])


def test_arrows_lead_from_the_origin_to_the_means():
    samples = {"low": np.array([[1.0, 0.0], [3.0, 2.0]]), "high": np.array([[5.0, 5.0]])}
    fig = backgrounds_figure(samples, np.array([1.0, -1.0]), ("program 1", "program 2"))
    arrows = [(a.xyann, a.xy) for a in fig.axes[0].texts]
    ends = sorted((tuple(map(float, start)), tuple(map(float, end))) for start, end in arrows)
    assert ends == [((0, 0), (1, -1)), ((1, -1), (2, 1)), ((1, -1), (5, 5))]
    assert len(fig.legends[0].get_texts()) == 3


def test_convergence_shows_every_estimate_and_the_truth():
    estimates = np.array([[1.0, 3.0], [1.9, 2.1]])
    fig = convergence_figure([10, 100], estimates, 2.0, "KL")
    (ax,) = fig.axes
    drawn = np.array([line.get_ydata() for line in ax.lines if len(line.get_xdata()) == 2][:2])
    assert np.allclose(drawn.T, estimates)
    assert ax.lines[-1].get_ydata()[0] == 2.0 and ax.get_ylabel() == "KL"
