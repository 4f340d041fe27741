"""Payment terminals: what is asked of one, in the words of each protocol, and the one connection that carries it."""
