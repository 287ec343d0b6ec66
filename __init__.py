"""Soliloquy: speech in, facial performance out.

This folder is the Blender extension and the Python package `soliloquy` at once; importing it imports
neither bpy nor torch.
"""


def register() -> None:
    """Called by Blender when the extension is switched on."""
    from . import blender_addon

    blender_addon.register()


def unregister() -> None:
    """Called by Blender when the extension is switched off."""
    from . import blender_addon

    blender_addon.unregister()
