"""Trees over tokens, e.g. of a sentence's dependencies."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from homebody.errors import TextError
from homebody.kernels import labels


def max_spanning_tree(
    num_nodes: Any, scores: Any, forest: bool = False
) -> tuple[NDArray[Any], NDArray[np.int32]]:
    """The spanning trees of directed graphs whose arcs' scores come to the most.

    Sources: Chu and Liu, "On the shortest arborescence of a directed graph", Scientia Sinica 14
    (1965); Edmonds, "Optimum branchings", Journal of Research of the National Bureau of Standards
    71B (1967); Tarjan, "Finding optimum branchings", Networks 7 (1977), for dense graphs.

    Args:
        num_nodes: whole numbers [graphs], each 1 to m.
        scores: float32, float64 or int32 [graphs, m, m]: scores[g, t, s] is that of the arc from s
            to t, scores[g, t, t] that of t as a root. An arc whose score is not finite does not
            exist; rows and columns past a graph's nodes do not count.
        forest: several roots are allowed.

    Returns:
        The trees' scores [graphs], of the scores' type, and int32 [graphs, m]: where each node's
        arc comes from, the node itself at a root, -1 past the graph's nodes. Sums are rounded to
        the scores' type as they are made, as TF.Text rounds them: where roots decide by little
        among many nodes, give float64.

    Raises:
        TextError: shapes or numbers do not fit, or a graph has no such tree.

    Example:
        >>> import numpy as np
        >>> scores = np.array([[[0.0, 5, 1], [9, 0, 2], [1, 8, 0]]])
        >>> max_spanning_tree([3], scores)
        (array([17.]), array([[0, 0, 1]], dtype=int32))
    """
    given = np.asarray(scores)
    if given.ndim != 3 or given.shape[1] != given.shape[2]:
        raise TextError(f"the scores are {list(given.shape)}; give [graphs, nodes, nodes]")
    if given.dtype not in (np.float32, np.float64, np.int32):
        if given.dtype.kind not in "fiu":
            raise TextError(f"the scores are {given.dtype}; give float32, float64 or int32")
        given = given.astype(np.float64)
    count, most = given.shape[:2]
    nodes = np.asarray(num_nodes)
    if nodes.shape != (count,) or (nodes.dtype.kind not in "iu" and nodes.size):
        raise TextError(
            f"num_nodes is {nodes.dtype} {list(nodes.shape)}; give whole numbers [{count}]"
        )
    limit = min(most, labels.MAX_NODES)
    if count and not (nodes.min() >= 1 and nodes.max() <= limit):
        raise TextError(f"num_nodes is {nodes.min()} to {nodes.max()}; give 1 to {limit}")
    best, sources = np.empty(count, given.dtype), np.full((count, most), -1, np.int32)
    for i in range(count):
        total = labels.spanning_tree(
            np.ascontiguousarray(given[i], np.float64), int(nodes[i]), sources[i],
            forest=bool(forest), narrow=given.dtype == np.float32,
        )  # fmt: skip
        if total is None:
            kind = "forest" if forest else "tree with one root"
            raise TextError(f"graph {i} has no spanning {kind}; give scores to more of its arcs")
        best[i] = total
    return best, sources


def max_spanning_tree_gradient(argmax_sources: Any, d_loss_d_max_scores: Any) -> NDArray[Any]:
    """A subgradient of a loss with respect to the scores of :func:`max_spanning_tree`.

    It is 1 at the arcs of the tree and 0 elsewhere, times the loss's gradient. The trees
    themselves change by jumps and have none.

    Args:
        argmax_sources: int32 [graphs, m], as :func:`max_spanning_tree` gives it.
        d_loss_d_max_scores: [graphs]: the loss's gradient with respect to the trees' scores.

    Returns:
        [graphs, m, m], of the gradient's type.

    Raises:
        TextError: the shapes do not fit.

    Example:
        >>> max_spanning_tree_gradient([[0, 0, -1]], [2.0]).tolist()
        [[[2.0, 0.0, 0.0], [2.0, 0.0, 0.0], [0.0, 0.0, 0.0]]]
    """
    sources, given = np.asarray(argmax_sources), np.asarray(d_loss_d_max_scores)
    if sources.ndim != 2 or sources.dtype.kind not in "iu" or given.shape != sources.shape[:1]:
        raise TextError(
            f"argmax_sources is {sources.dtype} {list(sources.shape)} and d_loss_d_max_scores "
            f"{list(given.shape)}; give whole numbers [graphs, nodes], and [graphs]"
        )
    chosen = sources[:, :, None] == np.arange(sources.shape[1])
    return np.where(chosen, given[:, None, None], given.dtype.type(0))
