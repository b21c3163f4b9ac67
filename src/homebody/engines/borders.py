"""A tensor at a border as data: in ``compiled.json``, and between the processes that build."""

from __future__ import annotations

from typing import Annotated

import msgspec
import numpy as np

from homebody.engines.graph import Tensor

Dimension = Annotated[int, msgspec.Meta(ge=-1, le=1 << 31)]
"""-1 where it stays open."""


class TensorRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A :class:`~homebody.engines.graph.Tensor`, its element type by name.

    Example:
        >>> TensorRecord.of(Tensor("x", np.dtype("float32"), (-1, 3))).tensor()
        Tensor(name='x', dtype=dtype('float32'), shape=(-1, 3), ranked=True)
    """

    name: str
    dtype: str
    shape: tuple[Dimension, ...]
    ranked: bool = True

    @classmethod
    def of(cls, tensor: Tensor) -> TensorRecord:
        """As data."""
        return cls(tensor.name, tensor.dtype.name, tuple(tensor.shape), tensor.ranked)

    def tensor(self) -> Tensor:
        """And back.

        Raises:
            TypeError: there is no such element type.
        """
        return Tensor(self.name, np.dtype(self.dtype), self.shape, self.ranked)
