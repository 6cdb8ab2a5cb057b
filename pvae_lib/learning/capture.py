"""A training step recorded once as a CUDA graph and replayed: no launch overhead per operation.

The step of this model is some 150 small kernels; launched one by one they take longer to launch
than to run. A replay runs exactly the recorded kernels, so the mathematics is that of the eager
step.
"""

import warnings
from collections.abc import Callable

import torch
from torch import Tensor

Draws = dict[str, Tensor]
WARM_UP_STEPS = 3


def captured(step: Callable[[Draws], Tensor], draws: Draws, state: list[Tensor]) -> Callable:
    """`step` as a replayable graph, or `step` itself where the device cannot record it.

    step
        Reads the draws, changes `state` in place, returns a tensor of fixed shape.
    draws
        An example: tensors on the device, of the shapes that every later step has.
    state
        Every tensor that the step changes (weights, Adam's moments). Recording has to run the
        step a few times first; the state is put back afterwards.
    """
    static = {name: tensor.clone() for name, tensor in draws.items()}
    before = [tensor.detach().clone() for tensor in state]
    try:
        graph, result = _record(step, static)
    except RuntimeError as error:  # an operation that this version of CUDA or torch cannot record
        warnings.warn(f"The step is not replayed as a CUDA graph ({error}).", stacklevel=2)
        torch.cuda.synchronize()
        graph = None
    with torch.no_grad():
        for tensor, value in zip(state, before, strict=True):
            tensor.copy_(value)
    if graph is None:
        return step

    def replay(draws: Draws) -> Tensor:
        for name, tensor in draws.items():
            static[name].copy_(tensor)
        graph.replay()
        return result

    return replay


def _record(step: Callable[[Draws], Tensor], static: Draws) -> tuple[torch.cuda.CUDAGraph, Tensor]:
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(WARM_UP_STEPS):
            step(static)
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        result = step(static)
    return graph, result
