"""Measurements that anybody can repeat: `panier bench NAME`."""
