"""The speech network: waveform (B, N) to mouth controls (B, T, K) at 50 Hz.

log-mel -> convolutional encoder -> soft bottleneck (phone posteriors and a small code) -> context
head -> implicit memory -> decoder. Every convolution is unpadded, so a frame depends on its own
receptive field alone: cutting the sound into blocks cannot change it, and where the frame lies
inside its field (how much future it hears) is a choice of alignment, not of architecture.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from ...inference.visemes import VISEMES
from .frontend import HOP, MEL_MEAN, MEL_STD, MELS, SAMPLE_RATE_HZ, WINDOW, LogMel
from .memory import AudioLipMemory, ImplicitMemory

# How far each control opens the lips of the ICT face at 1.0, in mm (`arkit_fit.ict_lip_basis`; a test
# compares), and how far they are apart at rest. Kept here so that the exported graph is self-contained.
APERTURE_MM = (32.8, -38.9, 13.7, -0.5, 0.1, -0.2, -0.7, -0.3, -3.7, 1.8, -6.9, 5.3, -2.5, 6.8, 7.1)
APERTURE_AT_REST_MM = 0.76
_JAW_OPEN, _MOUTH_CLOSE = 0, 1
_PP = VISEMES.index("PP")


@dataclass(frozen=True)
class SpeechNetConfig:
    """Sizes of the network."""

    width: int = 128
    """Channels of the encoder."""
    encoder_layers: int = 4
    head_width: int = 96
    head_layers: int = 3
    phones: int = 15
    """Phone classes (Oculus visemes) of the supervised half of the bottleneck."""
    code: int = 16
    """Free dimensions of the bottleneck."""
    memory_slots: int = 64
    """Slots of the implicit memory; 0 leaves it out."""
    lip_slots: int = 96
    """Slots of the audio-lip memory; 0 leaves it out."""
    controls: int = 15
    speaker_shares: tuple[float, ...] = ()
    """Filmed persons whose mouths are told apart in training, each by a correction of the decoder, and their
    shares (summing to 1) in the mean mouth, to which the corrections are relative. With them the rest of the
    network need not find out who speaks, and carries over to other people."""
    gain: float = 1.15
    """Factor on the controls at run time. A net trained on squared error moves less than people do; scaling
    back changes neither timing nor shape."""
    seal_mm: float = 2.5
    """Lips nearer than this meet: a net trained on squared error hedges short closures to a slit."""
    seal_heard_mm: float = 6.0
    """So much further apart they may be and still meet, where p, b or m is heard for certain."""
    seal_release_mm: float = 4.0
    """Lips that are further apart than that by so much are left alone; in between they are drawn together."""
    right_context: int = 3200
    """Samples of future that a frame may hear (200 ms)."""


class ConvBlock(nn.Module):
    """Unpadded residual convolution over 5 frames: (B, C, T) -> (B, C, T - 4)."""

    def __init__(self, width: int, dropout: float = 0.05) -> None:
        super().__init__()
        self.conv = nn.Conv1d(width, width, 5, bias=False)
        self.norm = nn.BatchNorm1d(width)
        self.drop = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        return x[:, :, 2:-2] + self.drop(torch.relu(self.norm(self.conv(x))))


@dataclass(frozen=True)
class Output:
    """What the network says of B lines and T frames."""

    controls: Tensor
    """(B, T, K) raw mouth controls, not clamped."""
    tongue: Tensor
    """(B, T) raw `tongueOut`."""
    phones: Tensor
    """(B, T, P) viseme logits."""
    closing: Tensor
    """(B, T) probability that p, b or m is spoken within a frame of this one."""
    implicit: Tensor
    """(B, T, M) addresses of the implicit memory; M is 0 without it."""
    heard: Tensor | None
    """(B, T, S) addresses of the audio-lip memory, from the sound; None without it."""


class SpeechNet(nn.Module):
    """See the module. `forward` gives the raw controls; `predict` clamps them to 0..1."""

    def __init__(self, config: SpeechNetConfig) -> None:
        super().__init__()
        self.config = config
        width, head = config.width, config.head_width
        self.mel = LogMel()
        self.stem = nn.Sequential(
            nn.Conv1d(MELS, width, 5, bias=False), nn.BatchNorm1d(width), nn.ReLU(),
            nn.Conv1d(width, width, 4, stride=2, bias=False), nn.BatchNorm1d(width), nn.ReLU(),
        )  # fmt: skip
        self.encoder = nn.Sequential(*(ConvBlock(width) for _ in range(config.encoder_layers)))
        self.to_phones = nn.Conv1d(width, config.phones, 1)
        self.to_code = nn.Conv1d(width, config.code, 1)
        self.enter_head = nn.Conv1d(config.phones + config.code, head, 1)
        self.head = nn.Sequential(*(ConvBlock(head) for _ in range(config.head_layers)))
        self.memory = ImplicitMemory(config.memory_slots, head)
        self.lips = AudioLipMemory(config.lip_slots, head) if config.lip_slots else None
        self.decode = nn.Conv1d(head, config.controls, 1)
        self.decode_tongue = nn.Conv1d(head, 1, 1)
        self.corrections = nn.Parameter(torch.zeros(len(config.speaker_shares), config.controls, head))
        nn.init.normal_(self.decode.weight, std=0.01)
        nn.init.constant_(self.decode.bias, 0.05)  # about what mouths do on average
        self.register_buffer("aperture_mm", torch.tensor(APERTURE_MM[: config.controls]), persistent=False)

    @property
    def receptive_field(self) -> int:
        """Samples behind one output frame."""
        frames = 1 + 4 * (self.config.encoder_layers + self.config.head_layers)
        mel_frames = (2 * frames + 2) + 4
        return (mel_frames - 1) * HOP + WINDOW

    @property
    def left_context(self) -> int:
        """Samples before a frame's time that it depends on."""
        return self.receptive_field - self.config.right_context

    @property
    def rate_hz(self) -> int:
        """Output frames per second."""
        return SAMPLE_RATE_HZ // (2 * HOP)

    def encode(self, mel: Tensor) -> Tensor:
        """(B, MELS, F) log-mel -> (B, width, T) features."""
        return self.encoder(self.stem((mel - MEL_MEAN) / MEL_STD))

    def forward_mel(self, mel: Tensor, speaker: Tensor | None = None) -> Output:
        """What is said and how the mouth moves: log-mel frames (B, MELS, F) -> T frames of output.

        Args:
            mel: log-mel frames.
            speaker: int64 [B], whose mouth; -1 (or None) for the mean mouth, the one used at run time.
        """
        features = self.encode(mel)
        logits = self.to_phones(features)
        posteriors = torch.softmax(logits, dim=1)
        heard_closing = nn.functional.max_pool1d(posteriors[:, _PP : _PP + 1], 3, stride=1, padding=1)
        code = torch.tanh(self.to_code(features))
        x = self.head(self.enter_head(torch.cat([posteriors, code], dim=1)))
        implicit = self.memory.address(x)
        heard = self.lips.address(x) if self.lips else None
        x = self.memory(x, implicit)
        if self.lips:
            x = self.lips(x, heard)
        controls = self.decode(x)
        if speaker is not None and self.config.speaker_shares:
            controls = controls + torch.einsum("bkc,bct->bkt", self.correction(speaker), x)
        edge = 2 * self.config.head_layers  # frames that only the head's context needed
        return Output(
            controls=controls.transpose(1, 2),
            tongue=self.decode_tongue(x)[:, 0],
            phones=logits[:, :, edge : logits.shape[2] - edge].transpose(1, 2),
            closing=heard_closing[:, 0, edge : logits.shape[2] - edge],
            implicit=implicit.transpose(1, 2),
            heard=heard.transpose(1, 2) if heard is not None else None,
        )

    def correction(self, speaker: Tensor) -> Tensor:
        """What the decoder of every line differs in from the mean mouth's: (B,) -> (B, K, C)."""
        shares = self.corrections.new_tensor(self.config.speaker_shares)
        relative = self.corrections - torch.einsum("s,skc->kc", shares, self.corrections)
        return relative[speaker.clamp(min=0)] * (speaker >= 0)[:, None, None]

    @torch.no_grad()
    def read_as(self, shares: tuple[float, ...]) -> None:
        """Make another mixture of the persons the mean mouth.

        Args:
            shares: one per person, in the order of `SpeechNetConfig.speaker_shares`, summing to 1.
        """
        moved = self.corrections.new_tensor(shares) - self.corrections.new_tensor(self.config.speaker_shares)
        self.decode.weight += torch.einsum("s,skc->kc", moved, self.corrections)[..., None]
        self.config = replace(self.config, speaker_shares=tuple(shares))

    def forward(self, samples: Tensor) -> Output:
        """(B, N) waveform -> T frames of output."""
        return self.forward_mel(self.mel(samples))

    def shape(self, out: Output) -> Tensor:
        """What the face does, (B, T, K) in 0..1; `mouthClose` (1) never exceeds `jawOpen` (0)."""
        return self.seal((self.config.gain * out.controls).clamp(0.0, 1.0), out.closing)

    def predict(self, samples: Tensor) -> Tensor:
        """(B, N) waveform -> controls (B, T, K) in 0..1."""
        return self.shape(self.forward(samples))

    def seal(self, controls: Tensor, closing: Tensor) -> Tensor:
        """Let nearly closed lips meet, by `mouthClose`, and all the sooner where p, b or m is heard.

        Args:
            controls: (B, T, K) in 0..1.
            closing: (B, T) see `Output`.

        Returns:
            (B, T, K) in 0..1.
        """
        jaw = controls[..., _JAW_OPEN : _JAW_OPEN + 1]
        close = torch.minimum(controls[..., _MOUTH_CLOSE : _MOUTH_CLOSE + 1], jaw)
        controls = torch.cat([jaw, close, controls[..., _MOUTH_CLOSE + 1 :]], dim=-1)
        apart_mm = APERTURE_AT_REST_MM + (controls * self.aperture_mm).sum(-1, keepdim=True)
        near_mm = self.config.seal_mm + self.config.seal_heard_mm * closing[..., None]
        share = ((apart_mm - near_mm) / self.config.seal_release_mm).clamp(0.0, 1.0)
        excess_mm = apart_mm.clamp(min=0.0) * (1.0 - share * share * (3.0 - 2.0 * share))
        close = torch.minimum(close - excess_mm / APERTURE_MM[_MOUTH_CLOSE], jaw)
        return torch.cat([jaw, close, controls[..., _MOUTH_CLOSE + 1 :]], dim=-1)
