"""What the shops sell: products, their codes and prices."""
