"""Diffusion pipelines with few, random weights, in folders as `save_pretrained` makes them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch

WORDS = ["<|startoftext|>", "<|endoftext|>", "a</w>", "b</w>"]
WIDTH = 32


def save_stable_diffusion(folder: Path, channels: int = 9, full_size: bool = False) -> Path:
    """Stable Diffusion: 9 channels are those of its inpainting models, 4 those of all others.

    full_size: U-Net and autoencoder are as large as in version 1.5.
    """
    import diffusers

    with torch.random.fork_rng():
        torch.manual_seed(0)
        parts = {
            "unet": _unet(channels, full_size),
            "vae": _autoencoder(full_size),
            "text_encoder": _text_encoder(),
        }
    pipeline = diffusers.StableDiffusionInpaintPipeline(
        **parts,
        tokenizer=_tokenizer(folder.parent),
        scheduler=diffusers.DDIMScheduler(steps_offset=1),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipeline.save_pretrained(folder)
    return folder


def _unet(channels: int, full_size: bool) -> Any:
    from diffusers import UNet2DConditionModel

    options = {"in_channels": channels, "cross_attention_dim": WIDTH}
    if full_size:
        # The library's defaults are the levels of Stable Diffusion 1.
        return UNet2DConditionModel(sample_size=64, attention_head_dim=8, **options)
    return UNet2DConditionModel(
        block_out_channels=(32, 64),
        layers_per_block=1,
        sample_size=32,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        **options,
    )


def _autoencoder(full_size: bool) -> Any:
    from diffusers import AutoencoderKL

    # Four levels: eight pixels make one latent pixel, as in the published models.
    return AutoencoderKL(
        block_out_channels=[128, 256, 512, 512] if full_size else [32] * 4,
        layers_per_block=2 if full_size else 1,
        down_block_types=["DownEncoderBlock2D"] * 4,
        up_block_types=["UpDecoderBlock2D"] * 4,
        latent_channels=4,
    )


def _text_encoder() -> Any:
    from transformers import CLIPTextConfig, CLIPTextModel

    config = CLIPTextConfig(
        hidden_size=WIDTH,
        intermediate_size=37,
        num_attention_heads=4,
        num_hidden_layers=1,
        vocab_size=len(WORDS),
        bos_token_id=0,
        eos_token_id=1,
        pad_token_id=1,
    )
    return CLIPTextModel(config)


def _tokenizer(folder: Path) -> Any:
    from transformers import CLIPTokenizer

    vocabulary = folder / "vocab.json"
    vocabulary.write_text(json.dumps({word: number for number, word in enumerate(WORDS)}))
    merges = folder / "merges.txt"
    merges.write_text("#version: 0.2\n")
    return CLIPTokenizer(str(vocabulary), str(merges), model_max_length=16)
