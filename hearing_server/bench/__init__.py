"""Measurements of the running parts, each beside a floor or a peer of the same minute."""
