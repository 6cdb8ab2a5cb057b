"""Running notebooks: their parameters checked, a folder a run, one HTML page.

In a notebook, straight after the cell tagged `parameters`:

    from pvae_lib.runs import guard; guard()

From a terminal: `python -m pvae_lib.runs NOTEBOOK -p NAME VALUE -f PARAMETERS.yaml --out FOLDER`.
"""

# Every notebook imports this package for its guard alone: what runs notebooks, and takes seconds to
# import, is in pvae_lib.runs.execute.
from pvae_lib.runs.notebook_guard import guard

__all__ = ["guard"]
