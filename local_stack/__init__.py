"""What the demo, the tests and the benchmarks start on a developer's machine; never deployed."""
