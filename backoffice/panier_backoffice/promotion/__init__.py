"""Public promotions: what every shopper gets, as part of the snapshot."""
