"""A particle filter that learns from choices: ``hb_particles_choose`` over :class:`Particles`."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from homebody.errors import KernelError
from homebody.kernels._arguments import integer
from homebody.kernels._filtering import Particles
from homebody.kernels._library import INT, POINTER, REAL, UINT, bind
from homebody.kernels._memory import aligned

MAX_OPTIONS = 64
"""Most rows among which one is chosen: a block's outputs."""

_load = bind(
    {
        "hb_particles_choose": [POINTER, UINT, POINTER, UINT, REAL, INT, INT],
        "hb_particles_scratch": [INT, INT],
    },
    returns={"hb_particles_scratch": UINT},
)


def choose(
    block: Particles, rows: NDArray[np.float64], chosen: int, steps: float = 1.0
) -> NDArray[np.float64]:
    """Weigh a block's particles by one choice among rows; they move by its process first.

    A particle x gives row m the probability exp(rows[m] x) / sum of exp(rows x): the softmax of
    conditional logit (McFadden, 1974). The same bits come out on every platform.

    Args:
        block: the filter; its ``outputs`` is the most options it can be given.
        rows: float64 [options, states], 2 to ``outputs`` options, each number within 1e18.
        chosen: the index of the row that was chosen.
        steps: of the process before it, 0 to 1e12.

    Returns:
        float64 [options]: the probability of each option as it was expected before the choice.

    Raises:
        KernelError: a shape or a number is out of range; the block is as before.

    Example:
        >>> block = Particles(1, 500, 2, mean=np.zeros(1), factor=np.eye(1, dtype=np.float32))
        >>> expected = choose(block, np.array([[1.0], [-1.0]]), 0, steps=0)
        >>> bool(abs(expected[0] - 0.5) < 0.05), bool(block.mean[0] > 0.2)
        (True, True)
    """
    outputs, states = block.rows.shape
    options = len(rows)
    if rows.shape != (options, states) or not 2 <= options <= outputs:
        raise KernelError(
            f"the options are {list(rows.shape)}; give 2 to {outputs} rows of {states} numbers"
        )
    integer(chosen, "chosen", 0, options - 1)
    before = block.rows[:options].copy()
    block.rows[:options] = rows
    library = _load()
    scratch = aligned(library.hb_particles_scratch(states, block.particles.shape[1]))
    status = library.hb_particles_choose(
        block.memory.ctypes.data, len(block.memory), scratch.ctypes.data, len(scratch),
        steps, options, chosen,
    )  # fmt: skip
    if status != 0:
        block.rows[:options] = before
        raise KernelError(
            f"rows beyond 1e18, NaN, or {steps} steps; give finite rows and 0 to 1e12 steps"
        )
    return np.array(block.result[3 : 3 + options])
