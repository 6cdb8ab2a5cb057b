import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt

from pvae_lib.exceptions import InputError
from pvae_lib.figures import probing as draw

METHODS = {"PCA-50": 0.4, "VAE": 0.3, "VAE, untrained": 0.2, "VAE, samples": 0.1}


def rows(screen, method, value):
    yield screen, method, "all", "condition: chance", pd.NA, 0.05
    yield screen, method, "all", "condition: null", pd.NA, 0.05
    for metric in ("condition: balanced_accuracy", "depth: r2"):
        for suffix, shift in (("", 0), ("_low", -0.01), ("_high", 0.01)):
            yield screen, method, "all", metric + suffix, pd.NA, value + shift
    for k, label in enumerate("cab"):
        yield screen, method, label, "condition: recall", pd.NA, value + 0.1 * k


TABLE = pd.DataFrame(
    [row for method, value in METHODS.items() for row in rows("twin", method, value)],
    columns=["screen", "method", "condition", "metric", "seed", "value"],
).astype({"seed": "Int64"})


@pytest.fixture(autouse=True)
def close():
    yield
    plt.close("all")


def labels(axis):
    return [text.get_text() for text in axis]


def test_accuracies_have_a_row_a_representation_best_first():
    fig = draw.accuracies_figure(TABLE)
    (ax,) = fig.axes
    assert labels(ax.get_yticklabels()) == ["PCA-50", "VAE"]
    assert labels(fig.legends[0].get_texts()) == ["means", "means, untrained", "samples"]
    drawn = sorted(float(bar.lines[0].get_xdata()[0]) for bar in ax.containers)
    assert drawn == pytest.approx([0.1, 0.2, 0.3, 0.4])
    assert labels(draw.accuracies_figure(TABLE, ["VAE"]).axes[0].get_yticklabels()) == ["VAE"]


def test_an_untrained_network_is_hollow():
    ax = draw.accuracies_figure(TABLE, ["VAE"]).axes[0]
    faces = {round(float(b.lines[0].get_xdata()[0]), 1): b.lines[0].get_markerfacecolor()
             for b in ax.containers}  # fmt: skip
    assert faces[0.2] == "white" and faces[0.3] != "white"


def test_classes_are_sorted_by_the_first_method():
    fig = draw.classes_figure(TABLE, ["PCA-50", "VAE"])
    (ax,) = fig.axes
    assert labels(ax.get_xticklabels()) == ["b", "a", "c"]
    np.testing.assert_allclose(ax.lines[0].get_ydata(), [0.6, 0.5, 0.4])
    with pytest.raises(InputError, match="No recalls of AE"):
        draw.classes_figure(TABLE, ["AE"])


def test_a_sweep_is_drawn_as_measured_and_relative_to_its_start():
    stronger = TABLE.assign(screen="strong", value=TABLE["value"] - 0.1)
    stronger.loc[stronger["metric"].str.endswith("chance"), "value"] = 0.05
    fig = draw.sweep_figure(
        pd.concat([TABLE, stronger]), {1.0: "twin", 4.0: "strong"}, ["PCA-50", "VAE"]
    )
    left, right = fig.axes
    np.testing.assert_allclose(left.lines[0].get_ydata(), [0.4, 0.3])
    np.testing.assert_allclose(right.lines[0].get_ydata(), [1, 0.25 / 0.35])


def test_two_probes_draw_a_point_a_method_in_every_panel():
    fig = draw.two_probes_figure(TABLE, {"PCA-50": "entangled", "VAE, samples": "empty"}, ["depth"])
    points = [bar.lines[0].get_xydata()[0] for bar in fig.axes[0].containers]
    np.testing.assert_allclose(points, [[0.4, 0.4], [0.1, 0.1]])


def test_two_sources_stand_in_panels_of_their_own():
    panels = {"paper": {"PCA": (0.36,), "chance": (0.01,)}, "ours": {"PCA-50": (0.4, 0.3, 0.5)}}
    fig = draw.beside_figure(panels, "accuracy")
    assert [ax.get_title(loc="left") or ax.get_title() for ax in fig.axes] == ["paper", "ours"]
    assert [bar.get_width() for ax in fig.axes for bar in ax.patches] == [0.36, 0.4]


def test_several_screens_are_refused():
    both = pd.concat([TABLE, TABLE.assign(screen="other")])
    with pytest.raises(InputError, match="holds 2: twin, other"):
        draw.accuracies_figure(both)
