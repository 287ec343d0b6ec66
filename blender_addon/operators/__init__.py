"""What the buttons do. Each operator reads the scene, calls a function and writes the scene."""

from .actor_capture import CLASSES as ACTOR_CAPTURE
from .actor_composite import CLASSES as ACTOR_COMPOSITE
from .actor_render import CLASSES as ACTOR_RENDER
from .add_head import SOLILOQUY_OT_add_head, draw_add_menu
from .animate import SOLILOQUY_OT_animate, SOLILOQUY_OT_stop, forget_outcome
from .cues_files import CLASSES as CUES
from .dialogue_lines import CLASSES as DIALOGUE
from .edit_keys import CLASSES as EDIT
from .head_asset import SOLILOQUY_OT_head_asset, draw_catalogue_menu
from .import_character import SOLILOQUY_OT_import_character, draw_import_menu
from .looks import CLASSES as LOOKS
from .make_override import SOLILOQUY_OT_make_override
from .performance import CLASSES as PERFORMANCE
from .redo_sentence import CLASSES as REDO
from .rig import CLASSES as RIG
from .rig_preview import CLASSES as RIG_PREVIEW
from .takes import CLASSES as TAKES

CLASSES = (
    SOLILOQUY_OT_animate,
    SOLILOQUY_OT_stop,
    SOLILOQUY_OT_make_override,
    SOLILOQUY_OT_add_head,
    SOLILOQUY_OT_head_asset,
    SOLILOQUY_OT_import_character,
    *RIG,
    *RIG_PREVIEW,
    *LOOKS,
    *PERFORMANCE,
    *TAKES,
    *EDIT,
    *REDO,
    *DIALOGUE,
    *CUES,
    *ACTOR_CAPTURE,
    *ACTOR_RENDER,
    *ACTOR_COMPOSITE,
)

__all__ = ["CLASSES", "draw_add_menu", "draw_catalogue_menu", "draw_import_menu", "forget_outcome"]
