"""Telling people: the queue of notices and the channels they go by (SPEC NO)."""
