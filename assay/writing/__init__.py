"""How answers are written: style, voice, language, and the house rules that they are held to."""
