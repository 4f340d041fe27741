"""A receipt printer: an ESC/POS interpreter written from the public command reference, its paper, and its wire."""
