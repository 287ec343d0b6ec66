"""The sidebar of the 3D view: one panel for a line of speech and, below it, one for each further task.

Blender draws sub-panels in the order in which they are registered: `CLASSES` is the order of work.
"""

from . import actor, cues, dialogue, edit, line, looks, motion, performance, rig, takes

CLASSES = (
    *looks.CLASSES,
    *line.CLASSES,
    *rig.CLASSES,
    *performance.CLASSES,
    *takes.CLASSES,
    *motion.CLASSES,
    *edit.CLASSES,
    *dialogue.CLASSES,
    *cues.CLASSES,
    *actor.CLASSES,
)

__all__ = ["CLASSES"]
