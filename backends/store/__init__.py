"""Sessions, runs, artifacts and visitors, kept. Knows no UI, no torch and no registry; ownership is checked here."""
