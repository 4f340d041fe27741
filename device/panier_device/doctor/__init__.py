"""`panier doctor`: what is plugged in, in which mode, with which profile, what is wrong and how to mend it."""
