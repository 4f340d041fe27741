"""The sample shop: a real year of 2,469 households' shopping (dunnhumby's Complete Journey), made ready to trade with."""
