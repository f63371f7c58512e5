"""The demo centres: made-up people and a few weeks of their life, played through the services up to this minute."""
