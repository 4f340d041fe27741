"""Drivers: what is plugged into a terminal, behind ports. Bytes stop here; everything further in sees readings."""
