"""Measurements: medians, tails and memory, beside a peer or a physical limit in the same run."""
