"""What a link carries and what is sent over it: pure functions of what was reported, with the time passed in.

`estimator.py` (on `delay.py` and `probing.py`) says how much, `allocation.py` what of it, `ladder.py` on which rung
that leaves a seat.
"""
