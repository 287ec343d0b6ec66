"""A batch as a job for render farms: templates that run `soliloquy batch` on parts of the list."""
