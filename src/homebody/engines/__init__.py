"""Compile a trained graph: the best engine for each part, chosen by measurement, and told why.

For servers and desktops; devices keep LiteRT. Needs ``pip install 'homebody[engines]'``.
"""

from __future__ import annotations
