"""A whole store on one machine: every process real, every wire simulated, and an audit of what arrived at the end."""
