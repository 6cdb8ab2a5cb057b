"""A lesson's exercises that run at once, for what does not depend on the lesson."""

NAME = "01_toy"
SOLVED = {"total": "total = sum(x)", "largest": "largest = max(x)", "why": "Because it adds up."}
EXPECTED = "[random.Random(f'{student}-{k}').random() for k in range(5)]"


def write(folder, authoring):
    """Write the source notebook into a folder; returns its path."""
    import nbformat

    cells = [
        authoring.text("# Exercises to a toy\n\nTake 3 minutes."),
        authoring.given("data", f"import random\n\nx = {EXPECTED}"),
        authoring.answer("total", "### BEGIN SOLUTION\ntotal = sum(x)\n### END SOLUTION"),
        authoring.graded(
            "total_tests",
            2,
            "assert total > 0\n### BEGIN HIDDEN TESTS\n"
            f"assert abs(total - sum({EXPECTED})) < 1e-9\n### END HIDDEN TESTS",
        ),
        authoring.answer(
            "largest", "largest = 0\n### BEGIN SOLUTION\nlargest = max(x)\n### END SOLUTION"
        ),  # fmt: skip
        authoring.graded("largest_tests", 1, f"assert largest == max({EXPECTED})"),
        authoring.by_hand("why", 3, "### BEGIN SOLUTION\nModel answer.\n### END SOLUTION"),
    ]
    made = authoring.notebook(*cells)
    # The guard imports for seconds, and other tests have it.
    made.cells = [c for c in made.cells if c.get("id") != "guard"]
    folder.mkdir(parents=True, exist_ok=True)
    nbformat.write(made, folder / f"{NAME}.ipynb")
    return folder / f"{NAME}.ipynb"
