"""Head motion and style: definitions, data and measures. Needs torch; not in the extension."""
