"""From a line to a pass: conditions, the renderer, dubbed plates and faces on 3D heads."""
