"""The language of the shop: pure values and rules, with no I/O and no clock."""
