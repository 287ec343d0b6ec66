"""Where a picture is from: what is written into it, what signs it, and how it is checked."""
