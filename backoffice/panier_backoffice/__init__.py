"""The back office: receipts, products, members, campaigns, and the marketing console."""
