"""
Proof that the tests would notice: every small mistake in a file that holds the trust is made once,
and some test must fail. `python -m tests.mutations` runs it; `survivors.toml` lists what may live.
"""
