"""Rehearsals: whole hearings played by software participants over real sockets, real media and the real record."""
