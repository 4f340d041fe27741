"""The other end of every wire: scanners, shoppers, a store full of devices, and the sample shop."""
