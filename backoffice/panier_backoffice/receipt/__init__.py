"""Receipts: what finished trips came to, priced again on arrival."""
