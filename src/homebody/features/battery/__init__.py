"""The battery twin: a model of one for a battery that ages as nobody modelled.

A net learns the pristine battery; its last layer then follows one battery from few, noisy
measurements. ``homebody battery demo`` shows it on an article's battery; ``train``, ``stream`` and
``report`` do it on your own.
"""

from __future__ import annotations

from homebody.features.battery.feature import BatteryTwin

__all__ = ["BatteryTwin"]
