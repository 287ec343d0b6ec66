"""Print what a video file holds, as JSON. Run by the project's environment, which has PyAV."""

from __future__ import annotations

import json
import sys

import av


def facts(path: str) -> dict[str, object]:
    """Sizes in px, rates in Hz, lengths in s; every frame is decoded, so a cut-off file is noticed.

    Raises:
        SystemExit: the file lacks a picture or a sound.
    """
    with av.open(path) as container:
        if not container.streams.video or not container.streams.audio:
            sys.exit("it lacks a picture or a sound")
        video, audio = container.streams.video[0], container.streams.audio[0]
        rate_hz = float(video.average_rate)
        frames = samples = 0
        for frame in container.decode(video, audio):
            if isinstance(frame, av.VideoFrame):
                frames += 1
            else:
                samples += frame.samples
        return {
            "width": video.codec_context.width,
            "height": video.codec_context.height,
            "rate_hz": rate_hz,
            "frames": frames,
            "video_s": frames / rate_hz,
            "audio_s": samples / audio.codec_context.sample_rate,
            "video_codec": video.codec_context.name,
            "audio_codec": audio.codec_context.name,
        }


if __name__ == "__main__":
    try:
        print(json.dumps(facts(sys.argv[1])))
    except av.error.FFmpegError as problem:
        sys.exit(str(problem))
