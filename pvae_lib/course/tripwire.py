"""What a submission may not import or call. A tripwire, not a sandbox.

It reads the code and stops what is plainly no answer to an exercise, before anything of it runs.
Who wants to get round it can: grade submissions of strangers in a container without network.
"""

import ast
from collections.abc import Iterator

MODULES = (
    "ctypes", "ftplib", "http", "importlib", "multiprocessing", "nbgrader", "os", "pvae_lib.course",
    "requests", "shutil", "signal", "socket", "sqlite3", "subprocess", "urllib",
)  # fmt: skip
# `get_ipython` stands for every `!command` and `%magic` too, which IPython turns into calls of it.
NAMES = ("__import__", "eval", "exec", "exit", "get_ipython", "open", "quit")


def trips(source: str, kept: tuple[str, ...] = ()) -> Iterator[str]:
    """What a cell does that it must not, in words; `kept` are names that it may not set.

    A cell that is no Python is left alone: it fails by itself when it is run.
    """
    from IPython.core.inputtransformer2 import TransformerManager

    try:
        tree = ast.parse(TransformerManager().transform_cell(source))
    except SyntaxError:
        return
    for node in ast.walk(tree):
        for module in _imported(node):
            if any(module == denied or module.startswith(f"{denied}.") for denied in MODULES):
                yield f"imports {module}"
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in NAMES:
            yield f"uses {node.id}" if node.id != "get_ipython" else "uses a ! or % command"
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node.id in kept:
            yield f"sets {node.id}"


def _imported(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module:
        yield node.module
        yield from (f"{node.module}.{alias.name}" for alias in node.names)
