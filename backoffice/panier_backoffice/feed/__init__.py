"""The feed: the numbered log of everything that the stores should know."""
