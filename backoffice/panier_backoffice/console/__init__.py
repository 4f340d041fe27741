"""The console: server-rendered pages for marketing and staff."""
