"""Write the golden vectors of model inputs: ``python conformance/text/make_segments.py``.

``segments.json`` is a list of cases, each one row: ``call`` names Python's function or class,
``arguments`` are its arguments by name, ``segments`` (or ``rows``) what it is called with, and the
rest what it gives. :func:`run` computes a case; the tests use it too.
"""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import numpy as np

from homebody import text

PATH = Path(__file__).with_name("segments.json")
Case = dict[str, Any]


def run(case: Case) -> Case:
    """What the case's call gives."""
    arguments = case["arguments"]
    if "rows" in case:
        rows = [np.array(row, np.int64) for row in case["rows"]]
        ragged = text.Ragged.from_row_lengths(np.concatenate(rows), [len(row) for row in rows])
        made = getattr(text, case["call"])(**arguments)
        made.tick = case["tick"]
        if case["call"] == "RandomItemSelector":
            return {"mask": made.get_selection_mask(ragged).to_list()}
        return {"values": made.get_mask_values(ragged).to_list()}
    segments = [np.array([segment], np.int32) for segment in case["segments"]]
    if case["call"].endswith("Trimmer"):
        trimmer = getattr(text, case["call"])(**arguments)
        trimmed, masks = trimmer.trim(segments), trimmer.generate_mask(segments)
        return {
            "trimmed": [part[0].tolist() for part in trimmed],
            "masks": [mask[0].tolist() for mask in masks],
        }
    if case["call"] == "pad_model_inputs":
        data, mask = text.pad_model_inputs(segments[0], **arguments)
        return {"padded": data[0].tolist(), "mask": mask[0].tolist()}
    ids, numbers = getattr(text, case["call"])(segments, **arguments)
    return {"ids": ids[0].tolist(), "segment_ids": numbers[0].tolist()}


def cases() -> list[Case]:
    """The cases without their results."""
    chance = random.Random(3)
    found: list[Case] = []
    for i in range(12):
        segments = [
            [chance.randint(0, 30_000) for _ in range(chance.choice((0, 1, 2, 5, 9)))]
            for _ in range(1 + i % 4)
        ]
        for kind in ("Waterfall", "RoundRobin", "ShrinkLongest"):
            most = chance.randint(0, sum(map(len, segments)) + 2)
            found.append(
                {
                    "call": f"{kind}Trimmer",
                    "arguments": {"max_seq_length": most},
                    "segments": segments,
                }
            )
        special = {"start_of_sequence_id": 101, "end_of_segment_id": 102}
        found.append({"call": "combine_segments", "arguments": special, "segments": segments})
        found.append({"call": "concatenate_segments", "arguments": {}, "segments": segments})
        padding = {"max_seq_length": chance.randint(0, 9), "pad_value": chance.randint(-2, 2)}
        found.append({"call": "pad_model_inputs", "arguments": padding, "segments": segments[:1]})
    for seed in (0, 7, 2**53 - 1):
        rows = [[chance.randint(0, 9) for _ in range(length)] for length in (7, 0, 12, 1)]
        selecting = {"max_selections_per_batch": 4, "selection_rate": 0.3, "seed": seed}
        selecting["unselectable_ids"] = [0, 3]
        masking = {"vocab_size": 2**31 - 5, "mask_token": 103, "seed": seed}
        masking |= {"mask_token_rate": 0.4, "random_token_rate": 0.4}
        for call, arguments in (("RandomItemSelector", selecting), ("MaskValuesChooser", masking)):
            found.append({"call": call, "arguments": arguments, "tick": seed % 5, "rows": rows})
    return found


def main() -> None:
    """Write the file."""
    lines = (json.dumps(case | run(case)) for case in cases())
    PATH.write_text("[\n" + ",\n".join(lines) + "\n]\n")


if __name__ == "__main__":
    main()
