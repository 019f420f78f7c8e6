"""What the course promises in numbers, measured. `make bench` runs it all."""
