"""Downloads against a server on the loopback interface: nothing bad ever becomes data."""

import collections
import gzip
import hashlib
import re
import shutil
import socket

import numpy as np
import pytest

from pvae_lib.exceptions import InputError
from pvae_lib.sources.fetch import fetch
from pvae_lib.sources.published import (
    NORMAN_GEO,
    NORMAN_SCPERTURB,
    REPLOGLE_K562_ESSENTIAL,
    REPLOGLE_RPE1,
    PublishedFile,
)

# Incompressible and several chunks long, so that a broken answer leaves a part behind.
NOISY = np.random.default_rng(0).integers(0, 256, 400_000, dtype=np.uint8).tobytes()
H5AD = b"\x89HDF\r\n\x1a\n" + NOISY
GZ = b"\x1f\x8b" + NOISY


def get(file: PublishedFile, folder, **options):
    return fetch(file, folder, wait=0, timeout=5, **options)


def nothing_kept(folder, part: bool = False) -> bool:
    names = [p.name for p in folder.iterdir()] if folder.exists() else []
    return all(part and name.endswith(".part") for name in names)


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("screen.h5ad", H5AD),
        ("matrix.mtx.gz", GZ),
        ("barcodes.tsv.gz", gzip.compress(b"AAAC-1\nAAAG-1\n", mtime=0)),
        ("genes.tsv.gz", gzip.compress(b"ENSG1\tKLF1\n", mtime=0)),
        ("cell_identities.csv.gz", gzip.compress(b"cell_barcode,guide_identity\n", mtime=0)),
    ],
)
def test_a_good_file_arrives_whole_under_its_own_name(server, tmp_path, name, body):
    path = get(server.publish(name, body), tmp_path / "data")
    assert path == tmp_path / "data" / name
    assert path.read_bytes() == body
    assert [p.name for p in path.parent.iterdir()] == [name]


def test_a_good_file_at_hand_is_not_asked_for_again(server, tmp_path):
    file = server.publish("screen.h5ad", H5AD)
    get(file, tmp_path)
    get(file, tmp_path)
    assert len(server.requests) == 1


def test_a_broken_connection_is_taken_up_where_it_broke(server, tmp_path):
    file = server.publish("screen.h5ad", H5AD, "truncated", "truncated")
    assert get(file, tmp_path).read_bytes() == H5AD
    starts = [wanted for _, wanted in server.requests]
    assert starts[0] is None and len(starts) == 3
    offsets = [int(re.fullmatch(r"bytes=(\d+)-", start)[1]) for start in starts[1:]]
    assert 0 < offsets[0] < offsets[1] < len(H5AD)


def test_a_later_call_goes_on_with_what_an_interrupted_one_left(server, tmp_path):
    file = server.publish("screen.h5ad", H5AD, "truncated")
    with pytest.raises(InputError, match="broke after .* bytes .kept, to resume"):
        get(file, tmp_path, attempts=1)
    assert nothing_kept(tmp_path, part=True) and any(tmp_path.iterdir())
    assert get(file, tmp_path, attempts=1).read_bytes() == H5AD
    assert server.requests[1][1] is not None
    assert [p.name for p in tmp_path.iterdir()] == [file.name]


def test_a_server_that_cannot_resume_is_asked_for_the_whole(server, tmp_path):
    file = server.publish("matrix.mtx.gz", GZ, "truncated", "no resume")
    assert get(file, tmp_path).read_bytes() == GZ


def test_a_part_of_another_version_is_dropped_and_fetched_afresh(server, tmp_path):
    file = server.publish("screen.h5ad", H5AD)
    (tmp_path / "screen.h5ad.part").write_bytes(b"x" * 1000)
    assert get(file, tmp_path).read_bytes() == H5AD
    assert [wanted for _, wanted in server.requests] == ["bytes=1000-", None]


def test_a_part_that_was_complete_is_taken(server, tmp_path):
    file = server.publish("screen.h5ad", H5AD)
    (tmp_path / "screen.h5ad.part").write_bytes(H5AD)
    assert get(file, tmp_path).read_bytes() == H5AD


def test_a_server_that_is_busy_is_asked_again(server, tmp_path):
    assert get(server.publish("screen.h5ad", H5AD, "503"), tmp_path).read_bytes() == H5AD


@pytest.mark.parametrize(
    ("fault", "message", "n_requests"),
    [
        ("404", "answers 404", 1),
        ("html", "an HTML page", 1),
        ("noise", "no HDF5 file", 1),
        ("truncated", "the connection broke after", 3),
        ("503", "answers 503", 3),
    ],
)
def test_a_bad_answer_is_one_clear_error_and_no_file(server, tmp_path, fault, message, n_requests):
    file = server.publish("screen.h5ad", H5AD, *[fault] * 3)
    with pytest.raises(InputError, match=message) as raised:
        get(file, tmp_path, attempts=3)
    assert nothing_kept(tmp_path, part=fault == "truncated")
    assert len(server.requests) == n_requests
    for hint in (file.name, file.urls[0], file.page, str(tmp_path)):
        assert hint in str(raised.value)


def test_an_html_page_in_place_of_a_gzip_file_is_refused(server, tmp_path):
    with pytest.raises(InputError, match="HTML page"):
        get(server.publish("matrix.mtx.gz", GZ, "html"), tmp_path)
    with pytest.raises(InputError, match="no gzip file"):
        get(server.publish("genes.tsv.gz", GZ, "noise"), tmp_path)


def test_a_wrong_hash_names_both_hashes(server, tmp_path):
    published, found = "0" * 32, hashlib.md5(H5AD).hexdigest()
    with pytest.raises(InputError) as raised:
        get(server.publish("screen.h5ad", H5AD, md5=published), tmp_path)
    assert published in str(raised.value) and found in str(raised.value)
    assert nothing_kept(tmp_path)


def test_a_file_at_hand_with_another_hash_is_refused_and_kept(server, tmp_path):
    file = server.publish("screen.h5ad", H5AD)
    (tmp_path / file.name).write_bytes(b"another copy")
    with pytest.raises(InputError) as raised:
        get(file, tmp_path)
    assert file.md5 in str(raised.value)
    assert hashlib.md5(b"another copy").hexdigest() in str(raised.value)
    assert (tmp_path / file.name).read_bytes() == b"another copy"
    assert not server.requests


def test_a_second_address_is_tried(server, tmp_path):
    good = server.publish("screen.h5ad", H5AD)
    file = PublishedFile(good.name, (f"{server.url}/gone", *good.urls), good.md5, good.page)
    assert get(file, tmp_path).read_bytes() == H5AD


def test_no_network_says_how_to_go_on(tmp_path):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/screen.h5ad"
    with pytest.raises(InputError, match="is there a network.*with a browser from") as raised:
        get(PublishedFile("screen.h5ad", (url,), "0" * 32, "https://example.org"), tmp_path)
    assert str(tmp_path) in str(raised.value)


def test_too_little_space_is_said_before_anything_is_written(server, tmp_path, monkeypatch):
    usage = collections.namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10, 9, 1))
    with pytest.raises(InputError, match="Free some space"):
        get(server.publish("screen.h5ad", H5AD), tmp_path)
    assert nothing_kept(tmp_path)


def test_a_folder_that_is_a_file_is_one_clear_error(server, tmp_path):
    (tmp_path / "data").write_text("in the way")
    with pytest.raises(InputError, match="Cannot write screen.h5ad"):
        get(server.publish("screen.h5ad", H5AD), tmp_path / "data")


def test_the_published_addresses_and_hashes():
    files = [NORMAN_SCPERTURB, REPLOGLE_K562_ESSENTIAL, REPLOGLE_RPE1, *NORMAN_GEO.values()]
    assert len({file.md5 for file in files}) == 7
    for file in files:
        assert re.fullmatch("[0-9a-f]{32}", file.md5)
        assert all(url.startswith("https://") and url.endswith(file.name) for url in file.urls)
