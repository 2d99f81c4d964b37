"""A stand-in for Square, for the demo and the tests: the used part of its API over real HTTP.

Never part of a real deployment: it exits unless ``SQUARE_STANDIN_ALLOWED=1``, and the portal's
own start-up checks refuse production while it is configured.
"""
