"""The audit's figure shows the numbers of the table it is given."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from pvae_lib.evaluation.metrics import CEILING, COLUMNS, FLOOR
from pvae_lib.exceptions import InputError
from pvae_lib.figures.audit import PANELS, audit_figure

MEANS = {"control mean": 0.5, FLOOR: 0.4, CEILING: 0.6, "PerturbedVAE": 0.45}


@pytest.fixture
def table():
    rows = [
        ("twin", method, f"A+{i}", metric, 0, mean + 0.01 * (i - 1))
        for method, mean in MEANS.items()
        for metric in PANELS
        for i in range(3)
    ]
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    undefined = (table["method"] == "control mean") & table["metric"].str.startswith("delta")
    table.loc[undefined, "value"] = np.nan
    return table


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def test_a_panel_a_metric_with_references_as_lines_and_an_arrow(table):
    figure = audit_figure(table)
    panels = [ax for ax in figure.axes if ax.get_visible()]
    assert len(panels) == len(PANELS)
    assert [ax.get_title() for ax in panels][0] == "nRMSE"
    arrows = dict(zip(PANELS, (ax.get_xlabel() for ax in panels), strict=True))
    assert arrows["nrmse"] == "◀ better" and arrows["discrimination"] == "better ▶"
    assert arrows["var_over_V"] == "best: as real cells"
    vertical = [line.get_xdata()[0] for line in panels[0].lines if np.ptp(line.get_ydata()) == 1]
    assert sorted(vertical) == pytest.approx([0.4, 0.6])
    assert [t.get_text() for t in panels[0].get_yticklabels()] == ["control mean", "PerturbedVAE"]
    shown = {text.get_text() for text in figure.legends[0].get_texts()}
    assert {FLOOR, CEILING} <= shown


def test_marks_stand_at_the_means_and_undefined_rows_say_so(table):
    figure = audit_figure(table, ["nrmse", "delta_pearson_centroid"])
    nrmse, delta = figure.axes
    marks = {
        float(line.get_ydata()[0]): float(line.get_xdata()[0])
        for line in nrmse.lines
        if line.get_marker() in ("o", "D")
    }
    assert marks == pytest.approx({0.0: 0.5, 1.0: 0.45})
    assert [text.get_text() for text in delta.texts] == ["not defined"]
    assert [float(t.get_position()[1]) for t in delta.texts] == [0.0]


def test_one_metric_and_an_odd_number_of_panels_can_be_drawn(table):
    assert len(audit_figure(table, ["nrmse"]).axes) == 1
    five = audit_figure(table, list(PANELS[:5]))
    assert sum(ax.get_visible() for ax in five.axes) == 5
    five.canvas.draw()


def test_refusals(table):
    with pytest.raises(InputError, match="No metric 'mdm'"):
        audit_figure(table, ["mdm"])
    with pytest.raises(InputError, match="holds 2: twin, other"):
        audit_figure(pd.concat([table, table.assign(screen="other")]))
