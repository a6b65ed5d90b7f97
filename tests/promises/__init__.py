"""What the product promises, tried at every step: crashes, a model of the protocol, clocks, races.

Real functions on real rows with a real broker; only the time is given. Run them with `--thorough`
for the full numbers.
"""
