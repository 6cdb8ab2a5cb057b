"""What a submission may not import or call. A tripwire, not a sandbox.

It reads the code and stops what is plainly no answer to an exercise, before anything of it runs.
Who wants to get round it can: grade submissions of strangers in a container without network.
"""

import ast
import re
from collections.abc import Iterator

MODULES = (
    "ctypes", "ftplib", "http", "importlib", "multiprocessing", "nbgrader", "os", "pvae_lib.course",
    "requests", "shutil", "signal", "socket", "sqlite3", "subprocess", "urllib",
)  # fmt: skip
# `get_ipython` stands for every `!command` and `%magic` too, which IPython turns into calls of it.
NAMES = ("__import__", "eval", "exec", "exit", "get_ipython", "open", "quit")
# Left over from working on an answer: `name?` is pinfo. Of a timer, the code that it runs is read.
HARMLESS = ("matplotlib", "pinfo", "pinfo2", "precision", "who", "whos")
TIMERS = ("time", "timeit")
OPTIONS = re.compile(r"(\s*-[a-z]\s*\d*(?=\s|$))*")


def trips(source: str, kept: tuple[str, ...] = ()) -> Iterator[str]:
    """What a cell does that it must not, in words; `kept` are names that it may not set.

    A cell that is no Python is left alone: it fails by itself when it is run.
    """
    try:
        tree = _parsed(source)
    except (SyntaxError, ValueError):
        return
    harmless = []
    for node in ast.walk(tree):
        for code in _of_harmless_magic(node):
            harmless.append(node.func.value.func)
            yield from trips(code, kept)
    for node in ast.walk(tree):
        for module in _imported(node):
            if any(module == denied or module.startswith(f"{denied}.") for denied in MODULES):
                yield f"imports {module}"
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in NAMES:
            if node.id != "get_ipython":
                yield f"uses {node.id}"
            elif node not in harmless:
                yield "uses a ! or % command"
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node.id in kept:
            yield f"sets {node.id}"


def _parsed(source: str) -> ast.AST:
    from IPython.core.inputtransformer2 import TransformerManager

    return ast.parse(TransformerManager().transform_cell(source))


def _of_harmless_magic(node: ast.AST) -> Iterator[str]:
    """The code that a call of a harmless magic runs, "" for one that runs none."""
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
        return
    caller = node.func.value
    if not (isinstance(caller, ast.Call) and isinstance(caller.func, ast.Name)):
        return
    words = [argument.value for argument in node.args if isinstance(argument, ast.Constant)]
    if caller.func.id != "get_ipython" or len(words) < len(node.args) or len(words) < 2:
        return
    if node.func.attr == "run_line_magic" and words[0] in HARMLESS:
        yield ""
    elif node.func.attr in ("run_line_magic", "run_cell_magic") and words[0] in TIMERS:
        code = "\n".join([OPTIONS.sub("", words[1], count=1).strip(), *words[2:]])
        try:
            _parsed(code)
        except (SyntaxError, ValueError):
            return  # what cannot be read is no harmless magic
        yield code


def _imported(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module:
        yield node.module
        yield from (f"{node.module}.{alias.name}" for alias in node.names)
