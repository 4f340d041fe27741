"""Simulated payment terminals: the other end of both protocols, written from their definitions, with a ledger of every charge."""
