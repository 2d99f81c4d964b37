"""Visitors of the site: cookies, counting, old browsers, the partner's frame."""
