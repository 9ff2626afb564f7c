"""How Vitrine looks: one set of tokens, and what each half of the house makes of it."""
