"""The part that runs inside the sandbox. Imports the standard library and itself, nothing else."""
