"""Where training runs, and the allocator setting that makes it fast there."""

import ctypes
import functools
import platform

import torch

from pvae_lib.exceptions import InputError

DEVICES = ("cpu", "cuda", "mps", "auto")


def resolve_device(name: str) -> torch.device:
    """The device of that name; "auto" takes CUDA, else the CPU.

    MPS is taken only when asked for by name: nobody has run this project on it yet.

    Raises
    ------
    InputError
        Unknown name, or a device that this machine or this build of torch lacks.
    """
    present = {
        "cpu": True,
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
    }
    if name not in DEVICES:
        raise InputError(f"device={name!r} is unknown: choose one of {', '.join(DEVICES)}.")
    if name == "auto":
        name = "cuda" if present["cuda"] else "cpu"
    if not present[name]:
        raise InputError(
            f"device={name!r} was asked for, but torch {torch.__version__} finds none here: "
            "use device='cpu' or 'auto', or install a build of torch for it."
        )
    return torch.device(name)


@functools.cache
def keep_freed_memory() -> None:
    """Let glibc keep freed memory instead of returning it to the kernel.

    Gradients and activations of a few MB are freed and asked for at every step; by default each
    is mapped afresh and zeroed page by page by the kernel, which takes longer than the
    arithmetic of some layers. A no-op where the C library is not glibc.
    """
    if platform.system() != "Linux" or platform.libc_ver()[0] != "glibc":
        return
    M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_THRESHOLD = -1, -2, -3  # <malloc.h>
    libc = ctypes.CDLL(None)
    libc.mallopt(M_MMAP_THRESHOLD, 32 * 2**20)  # the most that glibc accepts
    libc.mallopt(M_TRIM_THRESHOLD, 256 * 2**20)
    libc.mallopt(M_TOP_PAD, 64 * 2**20)
