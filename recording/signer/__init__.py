"""The process that holds the court's keys and signs with them, and nothing else."""
