"""What a face does beside speaking: expression, head, eyes, brows, breath; drawn as takes from seeds."""
