"""The device library: what firmware-config says of scanners and their kin, and the sheets that program them."""
