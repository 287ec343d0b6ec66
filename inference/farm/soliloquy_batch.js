// SPDX-License-Identifier: GPL-3.0-or-later
//
// A job type for Flamenco: a list of shots, made by `soliloquy batch`. Put this file into the folder
// `scripts` beside flamenco-manager; the defaults are those of the list that it was exported for.

const PLAN = {};

const JOB_TYPE = {
    label: "Soliloquy Batch",
    description: "Speech to facial performances, from a list of shots",
    settings: [
        { key: "shots", type: "string", subtype: "file_path", required: true, default: PLAN.shots, visible: "submission",
          description: "The list of shots (CSV or JSON), where all workers see it" },
        { key: "out", type: "string", subtype: "dir_path", required: true, default: PLAN.out, visible: "submission",
          description: "The folder of the batch, shared by all workers" },
        { key: "curves_rows", type: "string", default: PLAN.curves_rows, visible: "submission",
          description: "Rows whose curves are made. Examples: '1-500', '3,5-10'; nothing for none" },
        { key: "scene_rows", type: "string", default: PLAN.scene_rows, visible: "submission",
          description: "Rows whose Action or video is made, in Blender" },
        { key: "pass_rows", type: "string", default: PLAN.pass_rows, visible: "submission",
          description: "Rows whose photoreal pass is made" },
        { key: "chunk_size", type: "int32", default: PLAN.chunk_size, propargs: {min: 1, max: 200000}, visible: "submission",
          description: "Rows of curves per task; each scene and each pass is a task of its own" },
        { key: "options", type: "string", default: PLAN.options, visible: "submission",
          description: "Further options of soliloquy batch, quoted as in a shell" },
        { key: "selection", type: "string", default: PLAN.selection, visible: "web",
          description: "The --only and --kinds that chose the rows" },
        { key: "soliloquy", type: "string", required: true, default: "soliloquy", visible: "submission",
          description: "Soliloquy's command line on the workers" },
    ],
};

const STEPS = [
    { kind: "curves", name: "curves", type: "misc" },
    { kind: "scene", name: "scenes", type: "blender" },
    { kind: "pass", name: "passes", type: "misc" },
];

function compileJob(job) {
    const settings = job.settings;
    const options = splitOptions(settings.options);
    let tasks = [];
    for (const step of STEPS) {
        const rows = settings[step.kind + "_rows"];
        if (!rows || !rows.trim()) {
            continue;
        }
        const size = step.kind === "curves" ? settings.chunk_size : 1;
        for (const chunk of frameChunker(rows, size)) {
            const task = author.Task(step.name + "-" + chunk, step.type);
            const own = ["--kinds", step.kind, "--only", chunk, "--shared"];
            task.addCommand(batchCommand(settings, step.type, own.concat(options)));
            tasks.push(task);
        }
    }
    if (tasks.length === 0) {
        throw "no rows: give curves_rows, scene_rows or pass_rows";
    }

    // The step behind the others finds all of it done, and writes the batch's manifest.
    const lastType = settings.scene_rows && settings.scene_rows.trim() ? "blender" : "misc";
    const last = author.Task("manifest", lastType);
    last.addCommand(batchCommand(settings, lastType, splitOptions(settings.selection).concat(options)));
    for (const task of tasks) {
        last.addDependency(task);
        job.addTask(task);
    }
    job.addTask(last);
    print("Soliloquy: " + tasks.length + " tasks and the manifest");
}

function batchCommand(settings, taskType, args) {
    let all = ["batch", settings.shots, "--out", settings.out];
    if (taskType === "blender") {
        all = all.concat(["--blender", "{blender}"]);
    }
    return author.Command("exec", { exe: settings.soliloquy, args: all.concat(args) });
}

function splitOptions(text) {
    return text && text.trim() ? shellSplit(text) : [];
}
