"""The profiles for clusters that are shipped: what each asks of Snakemake."""

from pathlib import Path

import pytest
import yaml

PROFILES = Path(__file__).resolve().parents[2] / "workflow" / "profiles"


@pytest.mark.parametrize("name", ["slurm", "kubernetes"])
def test_a_profile_names_its_executor_and_the_command_that_uses_it(name):
    text = (PROFILES / name / "config.yaml").read_text(encoding="utf-8")
    profile = yaml.safe_load(text)
    assert profile["executor"] == name and profile["jobs"] > 1
    assert any(line.startswith("mem_mb=") for line in profile["default-resources"])
    assert f"make sweep GRID=FILE.yaml PROFILE=workflow/profiles/{name}" in text


def test_on_kubernetes_what_a_run_leaves_lies_on_the_volume_that_pods_mount():
    profile = yaml.safe_load((PROFILES / "kubernetes" / "config.yaml").read_text(encoding="utf-8"))
    _, mount = profile["kubernetes-persistent-volumes"].split(":")
    assert profile["default-storage-prefix"] == mount
    assert profile["default-storage-provider"] == "fs"
