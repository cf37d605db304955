"""`python -m media.composite PLAN TARGET`: renders a plan, telling its progress as JSON lines on standard output."""

import json
import os
import sys
from pathlib import Path

from media.composite.plan import Plan
from media.composite.render import render

NICE = 10
"""A hearing that is going on comes before the composite of one that is over."""


def main() -> int:
    """0: written; 1: not, with the reason as the last line."""
    plan, target = Path(sys.argv[1]), Path(sys.argv[2])
    os.nice(NICE)

    def tell(**said: object) -> None:
        sys.stdout.write(json.dumps(said) + "\n")
        sys.stdout.flush()

    try:
        unwritten = render(
            Plan.of(json.loads(plan.read_text())), target, lambda done, total: tell(done=done, total=total)
        )
    except (OSError, ValueError) as error:
        tell(failed=str(error))
        return 1
    tell(finished=True, unwritten=unwritten)
    return 0


if __name__ == "__main__":
    sys.exit(main())
