"""Dead letters and quarantined journals: looked at, taken again, corrected, released or dropped by a person."""
