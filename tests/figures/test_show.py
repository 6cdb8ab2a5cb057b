"""A figure is shown with its words, and closed."""

import io

import matplotlib
import pytest
from matplotlib import pyplot as plt
from PIL import Image

from pvae_lib.exceptions import InputError
from pvae_lib.figures import show, style, use_style

ALT = 'A line that rises from "low" to high & ends.'


@pytest.fixture
def shown(monkeypatch):
    """What show() hands to the notebook: (data, keyword arguments), one a display."""
    calls = []
    monkeypatch.setattr(
        "IPython.display.display", lambda data, **given: calls.append((data, given))
    )
    return calls


def draw():
    fig, ax = plt.subplots(figsize=(3, 2))
    ax.plot([0, 1], [0, 1])
    return fig


def test_the_picture_carries_its_words(shown):
    fig = draw()
    show(fig, ALT.replace(" ", "\n", 1))
    (data, given), (words, _) = shown
    assert given == {"metadata": {"image/png": {"alt": ALT}}, "raw": True}
    assert data["text/plain"] == f"<Figure: {ALT}>"
    assert Image.open(io.BytesIO(data["image/png"])).format == "PNG"
    assert "&quot;low&quot; to high &amp; ends." in words.data
    assert not plt.fignum_exists(fig.number)


def test_the_same_figure_gives_the_same_bytes(shown):
    show(draw(), ALT)
    show(draw(), ALT)
    assert shown[0][0]["image/png"] == shown[2][0]["image/png"]


@pytest.mark.parametrize("alt", ["", "  ", "a plot"])
def test_words_are_required(shown, alt):
    with pytest.raises(InputError, match="sentence that says what the figure shows"):
        show(draw(), alt)
    assert not shown
    plt.close("all")


def test_style():
    with matplotlib.rc_context():
        use_style()
        assert plt.rcParams["image.cmap"] == "cividis"
        assert plt.rcParams["axes.prop_cycle"].by_key()["color"] == list(style.OKABE_ITO)
    assert len(set(style.OKABE_ITO)) == 8
