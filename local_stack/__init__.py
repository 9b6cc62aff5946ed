"""The programs that demo, tests and benchmarks start on a developer's machine; never deployed."""
