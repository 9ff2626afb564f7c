"""Everything that computes or stores; imports no UI."""
