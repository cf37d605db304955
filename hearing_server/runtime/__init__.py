"""The shell around the rules: writers, rooms, reactors, the scheduler, and the one clock."""
