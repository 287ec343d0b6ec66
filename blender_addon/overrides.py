"""What a linked character keeps in this file: Blender saves it as differences from the linked original.

Blender compares our settings one by one only where the original has them too, even if they are all at their
defaults; it loses them otherwise. Reading them on the original is what makes them be there.
"""

import bpy


@bpy.app.handlers.persistent
def prepare(*_unused: object) -> None:
    """Make the originals of all overridden objects ready to be compared with."""
    for made in bpy.data.objects:
        original = made.override_library.reference if made.override_library is not None else None
        if original is not None:
            for name in ("soliloquy_face", "soliloquy_rig", "soliloquy_performance"):
                getattr(original, name).as_pointer()
