"""Tables that a teacher writes or edits, as her spreadsheet saves them."""

import csv
import io
from collections.abc import Iterable
from pathlib import Path

from pvae_lib.exceptions import InputError


def rows(path: Path, columns: Iterable[str]) -> list[tuple[int, dict[str, str]]]:
    """(line, column → text) of a CSV in UTF-8, between commas, semicolons or tabs.

    Cells that are missing at the end of a row are empty.

    Raises
    ------
    InputError
        No such file, text in another encoding, or a column that it does not have.
    """
    text = text_of(path)
    table = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter(text))
    names = [name.strip() for name in next(table, [])]
    missing = [column for column in columns if column not in names]
    if missing:
        raise InputError(f"{path} has no column {missing[0]!r}: its first line must name it.")
    found = []
    for row in table:
        cells = [cell.strip() for cell in row]
        if any(cells):
            cells += [""] * (len(names) - len(cells))
            found.append((table.line_num, dict(zip(names, cells, strict=False))))
    return found


def text_of(path: Path) -> str:
    """A text file's content; InputError where it is none in UTF-8, with or without its mark."""
    try:
        return Path(path).read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(f"Cannot read {path}: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not text in UTF-8: save it as 'CSV UTF-8'.") from error


def delimiter(text: str) -> str:
    """What stands between the columns of a table's first line."""
    return max(",;\t", key=text.partition("\n")[0].count)
