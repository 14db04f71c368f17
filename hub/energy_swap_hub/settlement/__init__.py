"""Everything that must happen once, and fully, after energy flowed or an order was made."""
