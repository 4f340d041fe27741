"""A whole store under faults: what may break is broken by a seeded plan, and a proof at the end says whether anything is lost."""
