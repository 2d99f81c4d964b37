"""Records that nobody may use: only kept, until the officer says otherwise (P47, P48)."""
