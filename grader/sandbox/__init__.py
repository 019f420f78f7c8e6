"""Where a student's code runs, and what stands between it and everything else."""
