"""Adapters that more than one role needs: the MQTT session, the SQLite journal, settings, logs and metrics."""
