"""The door for what gateways deliver: idempotent, one transaction a delivery."""
