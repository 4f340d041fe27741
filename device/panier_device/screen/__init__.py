"""The shopper's screens: words, what is to be seen, how it is painted, and the Textual app that shows it."""
