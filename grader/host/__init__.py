"""What the operating system gives: processes, locks, ports, programs, signals, streams."""
