import os
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from pvae_lib.exceptions import InputError
from pvae_lib.learning import checkpoint

TENSORS = {"a": torch.arange(600.0).reshape(20, 30), "b": torch.tensor(3, dtype=torch.int64)}


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "run" / "model.safetensors"
    checkpoint.write(path, TENSORS, {"kind": "test", "identity": {"alpha": 0.05}})
    return path


def test_what_was_written_is_read(path):
    tensors, metadata = checkpoint.read(path)
    assert metadata == {"kind": "test", "identity": {"alpha": 0.05}}
    assert all(torch.equal(tensors[name], TENSORS[name]) for name in TENSORS)
    assert [p.name for p in path.parent.iterdir()] == ["model.safetensors"]


def test_missing_file(tmp_path):
    with pytest.raises(InputError, match="no file"):
        checkpoint.read(tmp_path / "nothing.safetensors")


@pytest.mark.parametrize("kept", [0, 5, 200, -1])
def test_truncated_file(path, kept):
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(InputError, match="corrupted"):
        checkpoint.read(path)


def test_one_flipped_bit_among_the_numbers(path):
    content = bytearray(path.read_bytes())
    content[-100] ^= 4
    path.write_bytes(content)
    with pytest.raises(InputError, match="checksum"):
        checkpoint.read(path)


def test_text_file(tmp_path):
    path = tmp_path / "page.safetensors"
    path.write_text("<html>not found</html>" * 50)
    with pytest.raises(InputError, match="corrupted or not a safetensors file"):
        checkpoint.read(path)


def test_somebody_elses_safetensors(tmp_path):
    path = tmp_path / "other.safetensors"
    save_file(TENSORS, path)
    with pytest.raises(InputError, match="not written by this project"):
        checkpoint.read(path)


def test_another_identity_is_refused_with_the_difference(path):
    _, metadata = checkpoint.read(path)
    checkpoint.check_same(path, metadata["identity"], {"alpha": 0.05})
    with pytest.raises(InputError, match=r"alpha was 0.05, is 0.5"):
        checkpoint.check_same(path, metadata["identity"], {"alpha": 0.5})


def test_unwritable_folder_leaves_nothing(tmp_path):
    blocker = tmp_path / "file"
    blocker.write_text("")
    with pytest.raises(InputError, match="Cannot write"):
        checkpoint.write(blocker / "model.safetensors", TENSORS, {})
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_a_failed_write_keeps_the_older_file(path, monkeypatch):
    before = path.read_bytes()

    def full_disk(*_):
        raise OSError("No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full_disk)
    with pytest.raises(InputError, match="No space left"):
        checkpoint.write(path, TENSORS, {})
    assert path.read_bytes() == before and len(list(path.parent.iterdir())) == 1


@pytest.mark.skipif(os.name != "posix", reason="file modes are POSIX")
def test_a_file_has_the_mode_that_new_files_have(path, tmp_path):
    ordinary = tmp_path / "ordinary"
    ordinary.write_text("")
    assert path.stat().st_mode == ordinary.stat().st_mode
