"""The chain's stores, and the tokens with which their gateways and scripts speak to the back office."""
