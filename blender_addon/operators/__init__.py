"""What the buttons do. Each operator reads the scene, calls a function and writes the scene."""

from .add_head import SOLILOQUY_OT_add_head, draw_add_menu
from .animate import SOLILOQUY_OT_animate, SOLILOQUY_OT_stop, forget_outcome
from .looks import CLASSES as LOOKS
from .make_override import SOLILOQUY_OT_make_override

CLASSES = (
    SOLILOQUY_OT_animate,
    SOLILOQUY_OT_stop,
    SOLILOQUY_OT_make_override,
    SOLILOQUY_OT_add_head,
    *LOOKS,
)

__all__ = ["CLASSES", "draw_add_menu", "forget_outcome"]
