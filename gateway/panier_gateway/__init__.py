"""The store gateway: takes in events, serves prices and offers, forwards receipts; and the staff monitor."""
