"""What every encoder of meaning keeps to."""

STATIC, OFF = "static", "off"
"""Values of `curate.encoder` that are no model's name."""

MAX_CHARACTERS = 8_000
"""Of each text so much is encoded; what follows hardly turns the mean of the words before."""
