"""What the real web server of the page rows runs: the portal, plus the floor's view."""
