"""One file per playground: its own view and titles. A playground without a file gets derived ones."""
