"""Which models exist, where their weights come from, and who is using them: loading, leasing, evicting."""
