"""What meters, edges and hub agree on to the byte: signed readings, signed messages, periods and units."""
