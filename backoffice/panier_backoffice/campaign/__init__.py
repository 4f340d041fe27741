"""Campaigns: a promotion for a segment or for listed members, pushed to the shops in mid-trip."""
