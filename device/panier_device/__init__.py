"""The agent on a handheld or a self-checkout: drivers, journal, and the shopper's screen."""
