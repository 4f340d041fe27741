"""The staff monitor: every terminal of the store on one screen, who needs someone first."""
