"""Measures bounds and product together and says what the product is worth of the bound. Started by `script/bench`."""
