"""An executable that does not give the answer of what it was built from."""

from __future__ import annotations


def astray(made):
    """The same executable, whose first output is 1000 throughout once it is bound."""
    bind = made.bind

    def bound(inputs, outputs):
        run = bind(inputs, outputs)

        def wrong():
            run()
            outputs[0][...] = 1e3

        return wrong

    made.bind = bound
    return made
