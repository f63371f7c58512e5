"""`/api/v1`: what other programs may do here. Keys, scopes, limits and the document; each area brings its own part."""
