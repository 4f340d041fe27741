"""The bulk way in: pages of products, prices, promotions and members, safe to send again."""
