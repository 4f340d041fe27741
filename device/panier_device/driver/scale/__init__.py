"""Scales: what they say on the wire, without I/O, and one driver for all of them."""
