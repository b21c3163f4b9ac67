"""``python -m homebody`` is ``homebody``."""

from homebody.cli import main

main()
