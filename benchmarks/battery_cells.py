"""Simulate a fleet of ageing lithium-ion cells with PyBaMM, for tests and benchmarks/battery.py.

    python benchmarks/battery_cells.py tests/features/battery/cells.npz

Each cell is a single-particle model with a growing SEI layer (solid electrolyte interphase: it
eats lithium and adds resistance), with its own rate of growth, contact resistance, share of
active material and temperature. It is aged by cycles of 1C and then discharged twice from full
at two currents. New cells of the nominal kind are discharged at five currents.

Needs homebody[bench-adapt] (pybamm). Takes minutes. Parameters: Mohtat and others, "Differential
expansion and voltage model for Li-ion batteries at practical charging rates", J. Electrochem. Soc.
167 (2020), as PyBaMM has them.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pybamm

AGED = 40
CAPACITY = 5.0
"""Nominal, in ampere-hours, so that 1C is 5 A."""
NEW_RATES = (0.5, 0.75, 1.0, 1.25, 1.5)
STEP = 60.0
"""Seconds between samples."""
FULL = ("Charge at 1C until 4.2 V", "Hold at 4.2 V until C/50")


def main() -> None:
    path = Path(sys.argv[1])
    pybamm.set_logging_level("ERROR")
    found: list[tuple[int, int, Any]] = []
    for rate in NEW_RATES:
        found.append((-1, 0, discharges({}, 0, (rate,))[0]))
    rng = np.random.default_rng(20)
    for cell in range(AGED):
        parameters = {
            "SEI kinetic rate constant [m.s-1]": 1e-12 * np.exp(rng.normal(0, 0.5)),
            "Contact resistance [Ohm]": rng.uniform(0, 0.01),
            "Negative electrode active material volume fraction": 0.61 * rng.uniform(0.97, 1.03),
            "Positive electrode active material volume fraction": 0.445 * rng.uniform(0.97, 1.03),
            "Ambient temperature [K]": rng.uniform(288.15, 308.15),
        }
        cycles = int(rng.integers(2, 13))
        first, second = rng.uniform(0.5, 1.5, 2).round(2)
        try:
            for number, trace in enumerate(discharges(parameters, cycles, (first, second)), 1):
                found.append((cell, number, trace))
        except Exception as error:  # a cell that PyBaMM cannot solve is left out, and said
            print(f"cell {cell} left out: {error}", file=sys.stderr)
        print(f"{cell + 1} of {AGED}", file=sys.stderr, flush=True)
    traces = [trace for _, _, trace in found]
    columns = np.concatenate(traces, axis=1).astype(np.float32)
    np.savez_compressed(
        path, time=columns[0], current=columns[1], voltage=columns[2], charge=columns[3],
        splits=np.cumsum([0, *(trace.shape[1] for trace in traces)]),
        cell=np.array([cell for cell, _, _ in found]),
        number=np.array([number for _, number, _ in found]),
        pybamm=np.array(pybamm.__version__),
    )  # fmt: skip


def discharges(
    parameters: dict[str, float], cycles: int, rates: tuple[float, ...]
) -> list[np.ndarray]:
    """Discharges from full at these rates after so many cycles: [4, n] of s, A, V, C."""
    model = pybamm.lithium_ion.SPM({"SEI": "ec reaction limited", "contact resistance": "true"})
    values = pybamm.ParameterValues("Mohtat2020")
    values.update(parameters)
    ageing = [("Discharge at 1C until 3 V", *FULL)] * cycles
    seen = [(f"Discharge at {rate * CAPACITY} A until 3 V", *FULL) for rate in rates]
    simulation = pybamm.Simulation(
        model, experiment=pybamm.Experiment([*ageing, *seen]), parameter_values=values
    )
    solution = simulation.solve(initial_soc=1, calc_esoh=False)
    found = []
    for cycle in solution.cycles[-len(rates) :]:
        step = cycle.steps[0]
        seconds = step["Time [s]"].entries
        seconds = seconds - seconds[0]
        at = np.arange(0.0, seconds[-1], STEP)
        drawn = step["Discharge capacity [A.h]"].entries * 3600
        columns = (step["Current [A]"].entries, step["Voltage [V]"].entries, drawn - drawn[0])
        found.append(np.stack([at, *(np.interp(at, seconds, column) for column in columns)]))
    return found


if __name__ == "__main__":
    main()
