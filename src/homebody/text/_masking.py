"""The masked language model's task: some ids hidden, to be guessed."""

from __future__ import annotations

import numpy as np

from homebody.errors import RaggedError, TextError
from homebody.text._items import Items, as_ragged
from homebody.text._ragged import Ragged
from homebody.text._random import MASKING, checked_seed, drawn
from homebody.text._select import Ids, ItemSelector


class MaskValuesChooser:
    """Says what stands in the place of an id that was selected.

    With probability ``mask_token_rate`` the mask, with ``random_token_rate`` a random id, else the
    id itself. Subclasses may choose otherwise, in :meth:`get_mask_values`.

    The numbers are counted ones (Philox4x32-7): the id at place i draws two words at counter
    (i, 0, tick, 17) under the key ``seed``. The first, over 2**32, is compared with the rates; the
    second times ``vocab_size``, over 2**32 and rounded down, is the random id.

    Args:
        vocab_size: random ids are below it; 1 to 2**31.
        mask_token: the mask's id.
        mask_token_rate: 0 to 1.
        random_token_rate: 0 to 1; both rates together at most 1.
        seed: 0 to 2**64 - 1.

    Attributes:
        tick: how often values were chosen, from 0; each call draws anew. Set it to repeat one.

    Raises:
        TextError: an argument is out of range.

    Example:
        >>> chooser = MaskValuesChooser(1000, mask_token=103, mask_token_rate=1.0,
        ...                             random_token_rate=0.0)
        >>> chooser.get_mask_values([[5, 6], [7]])
        Ragged([[103, 103], [103]])
    """

    def __init__(
        self,
        vocab_size: int,
        mask_token: int,
        mask_token_rate: float = 0.8,
        random_token_rate: float = 0.1,
        seed: int = 0,
    ) -> None:
        if not isinstance(vocab_size, (int, np.integer)) or not 1 <= vocab_size <= 2**31:
            raise TextError(f"vocab_size is {vocab_size!r}; give 1 to 2**31")
        if not isinstance(mask_token, (int, np.integer)):
            raise TextError(f"mask_token is {mask_token!r}; give an id")
        for name, rate in (
            ("mask_token_rate", mask_token_rate),
            ("random_token_rate", random_token_rate),
        ):
            if not 0 <= float(rate) <= 1:
                raise TextError(f"{name} is {rate!r}; give a share from 0 to 1")
        # 0.9 + 0.1 may be a little above 1 in binary, and means 1.
        if mask_token_rate + random_token_rate > 1 + 1e-9:
            raise TextError(
                f"mask_token_rate and random_token_rate are {mask_token_rate!r} and "
                f"{random_token_rate!r}; give rates that are at most 1 together"
            )
        self._vocab_size, self._mask_token = int(vocab_size), int(mask_token)
        self._mask_token_rate, self._random_token_rate = mask_token_rate, random_token_rate
        self._seed = checked_seed(seed)
        self.tick = 0

    @property
    def mask_token(self) -> int:
        """The mask's id."""
        return self._mask_token

    @property
    def mask_token_rate(self) -> float:
        """How often the mask is chosen."""
        return self._mask_token_rate

    @property
    def random_token_rate(self) -> float:
        """How often a random id is chosen."""
        return self._random_token_rate

    @property
    def vocab_size(self) -> int:
        """Random ids are below it."""
        return self._vocab_size

    def get_mask_values(self, masked_lm_ids: Ids) -> Ragged:
        """What stands in the place of each id, in the same rows and dtype.

        Raises:
            RaggedError: the ids are no rows of whole numbers.
        """
        ids = as_ragged(masked_lm_ids, "masked_lm_ids")
        values = _whole_numbers(ids, "masked_lm_ids")
        decision, random, _, _ = drawn(self._seed, self.tick, MASKING, len(values))
        self.tick = (self.tick + 1) & 0xFFFFFFFF
        share = decision * 2.0**-32
        until = self._mask_token_rate + self._random_token_rate
        chosen = values.copy()
        at = (share >= self._mask_token_rate) & (share < until)
        chosen[at] = (random[at].astype(np.uint64) * np.uint64(self._vocab_size)) >> np.uint64(32)
        chosen[share < self._mask_token_rate] = self._mask_token
        return ids.with_flat_values(chosen)


def mask_language_model(
    input_ids: Ids,
    item_selector: ItemSelector,
    mask_values_chooser: MaskValuesChooser,
    axis: int = 1,
) -> tuple[Ragged, Ragged, Ragged]:
    """Hides some ids, for a model to learn to guess them.

    Args:
        input_ids: rows of ids, nested as deep as wanted.
        item_selector: which items are hidden.
        mask_values_chooser: what stands in their ids' places.
        axis: whose sub-arrays are hidden whole: with [batch, (words), (pieces)] and 1, words.

    Returns:
        The ids with some replaced; the places in each row that were selected, int64; the ids that
        stood there. All [batch, (...)]: deeper levels are joined.

    Raises:
        RaggedError: the ids are no rows of whole numbers, or there is no such axis.
        TextError: the selector or chooser is none.

    Source: Devlin, Chang, Lee and Toutanova, "BERT: Pre-training of Deep Bidirectional
    Transformers for Language Understanding", NAACL 2019, "Task #1: Masked LM".

    Example:
        >>> chooser = MaskValuesChooser(1000, mask_token=103, mask_token_rate=1.0,
        ...                             random_token_rate=0.0)
        >>> mask_language_model([[1, 2, 3], [4]], FirstNItemSelector(2, [1]), chooser)
        (Ragged([[1, 103, 103], [103]]), Ragged([[1, 2], [0]]), Ragged([[2, 3], [4]]))
    """
    if not isinstance(item_selector, ItemSelector):
        raise TextError(f"item_selector is a {type(item_selector).__name__}; give an ItemSelector")
    if not isinstance(mask_values_chooser, MaskValuesChooser):
        raise TextError(
            f"mask_values_chooser is a {type(mask_values_chooser).__name__}; "
            "give a MaskValuesChooser"
        )
    ragged = as_ragged(input_ids, "input_ids")
    _whole_numbers(ragged, "input_ids")
    items = Items(ragged, axis)
    selected = np.asarray(item_selector.get_selection_mask(ragged, axis).flat_values)
    if selected.dtype != np.bool_ or len(selected) != items.count:
        raise TextError("item_selector gave no bool for each item; mend its get_selection_mask")
    rows = ragged if ragged.ragged_rank == 1 else ragged.merge_dims(1, -1)
    flat = Items(rows, 1)
    chosen = items.spread(selected)
    originals = flat.kept(chosen)
    within = rows.with_values(
        np.arange(flat.count) - np.repeat(rows.row_splits[:-1], rows.row_lengths())
    )
    values = rows.values.copy()
    values[chosen] = mask_values_chooser.get_mask_values(originals).flat_values
    return rows.with_values(values), Items(within, 1).kept(chosen), originals


def _whole_numbers(ragged: Ragged, name: str) -> np.ndarray:
    values = ragged.flat_values
    if not isinstance(values, np.ndarray) or values.dtype.kind not in "iu" or values.ndim != 1:
        raise RaggedError(f"{name} are no whole numbers; give rows of ids")
    return values
