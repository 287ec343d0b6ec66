"""The Blender add-on: reads the scene, calls inference, writes the scene.

Importing this package imports no bpy; `register` does.
"""


def register() -> None:
    """Make the panel, the operators, the menu entry and the command known to Blender."""
    import bpy

    from . import (
        actor_properties,
        cli_command,
        dialogue_follow,
        dialogue_properties,
        edit_properties,
        operators,
        overrides,
        performance_live,
        performance_properties,
        properties,
        rig_properties,
    )

    for cls in _classes():
        bpy.utils.register_class(cls)
    properties.register()
    edit_properties.register()
    rig_properties.register()
    dialogue_properties.register()
    performance_properties.register()
    actor_properties.register()
    bpy.app.handlers.depsgraph_update_post.append(performance_live.on_update)
    bpy.app.handlers.depsgraph_update_post.append(dialogue_follow.on_update)
    bpy.app.handlers.save_pre.append(overrides.prepare)
    bpy.types.VIEW3D_MT_mesh_add.append(operators.draw_add_menu)
    bpy.types.TOPBAR_MT_file_import.append(operators.draw_import_menu)
    bpy.types.ASSETBROWSER_MT_catalog.append(operators.draw_catalogue_menu)
    for handlers in _outcome_handlers():
        handlers.append(operators.forget_outcome)
    cli_command.register()


def unregister() -> None:
    """Stop a running line and take everything out of Blender again."""
    import bpy

    from . import (
        actor_properties,
        cli_command,
        dialogue_follow,
        dialogue_properties,
        edit_live,
        edit_properties,
        jobs,
        operators,
        overrides,
        performance_live,
        performance_properties,
        properties,
        rig_properties,
    )

    jobs.STATUS.stop()
    edit_live.stop()
    bpy.app.handlers.save_pre.remove(overrides.prepare)
    bpy.app.handlers.depsgraph_update_post.remove(dialogue_follow.on_update)
    dialogue_follow.stop()
    bpy.app.handlers.depsgraph_update_post.remove(performance_live.on_update)
    performance_live.stop()
    cli_command.unregister()
    for handlers in _outcome_handlers():
        handlers.remove(operators.forget_outcome)
    bpy.types.ASSETBROWSER_MT_catalog.remove(operators.draw_catalogue_menu)
    bpy.types.TOPBAR_MT_file_import.remove(operators.draw_import_menu)
    bpy.types.VIEW3D_MT_mesh_add.remove(operators.draw_add_menu)
    actor_properties.unregister()
    performance_properties.unregister()
    dialogue_properties.unregister()
    rig_properties.unregister()
    edit_properties.unregister()
    properties.unregister()
    for cls in reversed(_classes()):
        bpy.utils.unregister_class(cls)


def _outcome_handlers() -> tuple[list, ...]:
    import bpy

    return (bpy.app.handlers.undo_post, bpy.app.handlers.redo_post, bpy.app.handlers.load_post)


def _classes() -> tuple[type, ...]:
    from . import (
        actor_properties,
        dialogue_properties,
        edit_properties,
        operators,
        panels,
        performance_properties,
        preferences,
        properties,
        rig_properties,
    )

    data = (*properties.CLASSES, *edit_properties.CLASSES, *rig_properties.CLASSES)
    data = (*data, *dialogue_properties.CLASSES, *performance_properties.CLASSES, *actor_properties.CLASSES)
    return (*preferences.CLASSES, *data, *operators.CLASSES, *panels.CLASSES)
