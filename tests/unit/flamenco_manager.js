// What Flamenco's Manager does with a job type, as far as a script can see: the globals of its job compilers,
// the checks of its schema, and tasks that are copied when they are added.
// node flamenco_manager.js SCRIPT SETTINGS.json -> JSON on stdout: {jobType, tasks: [{name, type, commands, after}]}
"use strict";

const fs = require("fs");
const vm = require("vm");

const [script, settingsFile] = process.argv.slice(2);

function refuse(condition, sentence) {
    if (condition) {
        throw new Error(sentence);
    }
}

function frameRange(text) {
    const frames = new Set();
    for (const part of text.replaceAll("..", "-").split(",")) {
        const ends = part.split("-").map((end) => end.trim());
        refuse(ends.length > 2 || ends.some((end) => !/^[0-9]+$/.test(end)), `invalid range ${text}`);
        for (let frame = Number(ends[0]); frame <= Number(ends[ends.length - 1]); frame++) {
            frames.add(frame);
        }
    }
    return [...frames].sort((a, b) => a - b);
}

function merged(frames) {
    const runs = [];
    for (const frame of frames) {
        const last = runs[runs.length - 1];
        if (last && frame === last[1] + 1) {
            last[1] = frame;
        } else {
            runs.push([frame, frame]);
        }
    }
    const shown = ([first, last]) => first === last ? `${first}` : first + 1 === last ? `${first},${last}` : `${first}-${last}`;
    return runs.map(shown).join(",");
}

function frameChunker(range, size) {
    refuse(!range.trim(), "empty range");
    refuse(!Number.isInteger(size) || size < 1, `invalid chunk size ${size}`);
    const frames = frameRange(range);
    const chunks = [];
    for (let at = 0; at < frames.length; at += size) {
        chunks.push(merged(frames.slice(at, at + size)));
    }
    return chunks;
}

function shellSplit(text) {
    const words = [];
    const word = /((?:[^\s'"\\]|\\.|'[^']*'|"(?:[^"\\]|\\.)*")+)\s*/gy;
    word.lastIndex = text.length - text.trimStart().length;
    while (word.lastIndex < text.length) {
        const found = word.exec(text);
        refuse(!found, `not to be split: ${text}`);
        words.push(found[1].replace(/'([^']*)'|"((?:[^"\\]|\\.)*)"|\\(.)/g,
            (_, single, double, escaped) => single ?? escaped ?? double.replace(/\\(["\\$`])/g, "$1")));
    }
    return words;
}

class Task {
    constructor(name, type) {
        refuse(typeof name !== "string" || !name.trim(), "author.Task(name, type): name is required");
        refuse(typeof type !== "string" || !type.trim(), "author.Task(name, type): type is required");
        Object.assign(this, { name, type, commands: [], after: [] });
    }
    addCommand(command) {
        this.commands.push(command);
    }
    addDependency(task) {
        refuse(!(task instanceof Task), "no task");
        this.after.push(task.name);
    }
}

function command(name, parameters) {
    refuse(!["exec", "echo", "sleep", "blender-render"].includes(name), `unknown command ${name}`);
    if (name === "exec") {
        refuse(typeof parameters.exe !== "string" || !parameters.exe, "exec: no exe");
        refuse(!Array.isArray(parameters.args) || parameters.args.some((one) => typeof one !== "string"), "exec: bad args");
    }
    return { name, parameters };
}

const KEYS = ["key", "type", "subtype", "choices", "propargs", "description", "label", "default", "eval", "evalInfo",
    "visible", "required", "editable"];
const TYPES = { string: "string", int32: "number", float: "number", bool: "boolean" };

function checkJobType(jobType) {
    refuse(typeof jobType.label !== "string", "no label");
    const unknown = Object.keys(jobType).filter((key) => !["label", "description", "settings"].includes(key));
    refuse(unknown.length, `unknown keys ${unknown}`);
    for (const setting of jobType.settings) {
        const strange = Object.keys(setting).filter((key) => !KEYS.includes(key));
        refuse(strange.length, `${setting.key}: unknown keys ${strange}`);
        refuse(!/^[a-z_]+$/.test(setting.key), `bad key ${setting.key}`);
        refuse(!(setting.type in TYPES), `${setting.key}: bad type`);
        refuse(typeof setting.default !== TYPES[setting.type], `${setting.key}: its default is no ${setting.type}`);
        refuse(!["visible", "hidden", "submission", "web"].includes(setting.visible), `${setting.key}: bad visibility`);
        refuse(![undefined, "file_path", "dir_path", "hashed_file_path"].includes(setting.subtype), `${setting.key}: bad subtype`);
    }
}

const globals = {
    print: () => undefined,
    alert: () => undefined,
    frameChunker,
    shellSplit,
    author: { Task: (name, type) => new Task(name, type), Command: command },
};
const code = `"use strict";\n${fs.readFileSync(script, "utf8")}\n;({ JOB_TYPE, compileJob });`;
const { JOB_TYPE, compileJob } = vm.runInNewContext(code, globals, { filename: script });
checkJobType(JOB_TYPE);

const defaults = Object.fromEntries(JOB_TYPE.settings.map((setting) => [setting.key, setting.default]));
const given = settingsFile ? JSON.parse(fs.readFileSync(settingsFile, "utf8")).settings : {};
refuse(Object.keys(given).some((key) => !(key in defaults)), "a setting that the job type does not have");
const tasks = [];
compileJob({
    name: "test",
    settings: { ...defaults, ...given },
    addTask: (task) => tasks.push({ ...task, commands: [...task.commands], after: [...task.after] }),
});
process.stdout.write(JSON.stringify({ jobType: JOB_TYPE, tasks }));
