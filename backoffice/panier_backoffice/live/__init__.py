"""What every store looks like right now."""
