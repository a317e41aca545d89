"""What the benchmarks share, and the programs that they run."""
