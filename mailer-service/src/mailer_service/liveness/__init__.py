"""Whether a replica still works, told from one that only runs: for supervisors and containers."""
