"""The training loop: samples by number, checkpoints, resuming, logs. What is trained is a Task."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import cv2
import lightning_fabric
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset
from torch.utils.tensorboard import SummaryWriter

from methods.base import Image, MethodError
from methods.network import load_state
from methods.training.task import Batch, Settings, Task
from methods.weights import files

SECONDS_BETWEEN_LINES = 20
# Batch statistics are averaged over this share of a step: with PyTorch's 0.1, of ten batches, whose
# holes happen to be large or small, validation wavered by a tenth of a decibel from one checkpoint
# to the next.
NORM_MOMENTUM = 0.02
LAST, BEST = "last.pt", "best.safetensors"


class TrainingError(MethodError):
    """Training cannot begin or go on; the message says why and what is kept."""


class Samples(Dataset[Batch]):
    """Samples from number `first` on; the numbers are the data's position, so that a resumed
    training goes on with the very next one."""

    def __init__(self, task: Task, first: int, count: int) -> None:
        self._task, self._first, self._count = task, first, count

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, place: int) -> Batch:
        if place >= self._count:
            raise IndexError(place)
        return self._task.sample(self._first + place)


def train(
    task: Task,
    settings: Settings,
    out: Path,
    resume: bool,
    say: Callable[[str], None] = print,
    initial: Path | None = None,
) -> Path:
    """Train and return the weights file of the best checkpoint.

    initial: weights file of the same network to begin with, in place of fresh random ones.
    Writes into `out`: last.pt (everything that resuming needs), best.safetensors, log.csv,
    samples/ and tensorboard/. Raises TrainingError when `out` holds a training and `resume` is
    not asked for or other settings are, and when the loss is not finite; WeightsError for an
    `initial` that is not of this network."""
    fabric = lightning_fabric.Fabric(
        accelerator={"cuda": "gpu"}.get(settings.device, settings.device),
        devices=settings.devices,
        precision=settings.precision,  # type: ignore[arg-type]
    )
    fabric.launch()
    torch.manual_seed(settings.seed)
    network = task.network()
    if initial is not None:
        load_state(network, files.read(initial))
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = NORM_MOMENTUM
    if fabric.device.type == "cpu":
        network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = torch.optim.Adam(network.parameters(), lr=settings.learning_rate)
    run = _Run(task, settings, out, fabric, say)
    run.begin(network, optimizer, resume)
    if fabric.is_global_zero:
        (out / "settings.json").write_text(json.dumps(asdict(settings), indent=2) + "\n")
    model, optimizer = fabric.setup(network, optimizer)
    first = run.step * settings.batch
    samples = Samples(task, first, settings.steps * settings.batch - first)
    loader = DataLoader(
        samples,
        batch_size=settings.batch // fabric.world_size,
        num_workers=settings.workers,
        drop_last=True,
        # Its own: it would draw from the one that resuming restores.
        generator=torch.Generator(),
    )
    model.train()
    batches: Any = fabric.setup_dataloaders(loader)
    for batch in batches:
        run.learn(model, network, optimizer, batch)
    run.save(network, optimizer)
    return out / BEST


class _Run:
    """The state of one training."""

    def __init__(
        self,
        task: Task,
        settings: Settings,
        out: Path,
        fabric: lightning_fabric.Fabric,
        say: Callable[[str], None],
    ) -> None:
        self.task, self.settings, self.out, self.fabric, self.say = (
            task, settings, out, fabric, say,
        )  # fmt: skip
        self.step = 0
        self.best = -math.inf
        self.saved = self.told = time.monotonic()
        self.since = 0
        self.writer: SummaryWriter | None = None

    def begin(self, network: nn.Module, optimizer: torch.optim.Optimizer, resume: bool) -> None:
        checkpoint = self.out / LAST
        if checkpoint.exists() and not resume:
            raise TrainingError(f"{self.out} holds a training; --resume goes on, or choose --out")
        if checkpoint.exists():
            self._restore(checkpoint, network, optimizer)
        self.out.mkdir(parents=True, exist_ok=True)
        if self.fabric.is_global_zero:
            self.writer = SummaryWriter(str(self.out / "tensorboard"), purge_step=self.step)

    def _restore(self, path: Path, network: nn.Module, optimizer: torch.optim.Optimizer) -> None:
        state = torch.load(path, weights_only=True, map_location="cpu")
        changed = {
            key: (value, getattr(self.settings, key))
            for key, value in state["settings"].items()
            if key in ("steps", "batch", "learning_rate", "warmup", "seed")
            and value != getattr(self.settings, key)
        }
        trained, now = state["task"], self.task.metadata()
        changed |= {
            key: (trained.get(key), now.get(key))
            for key in sorted({*trained, *now})
            if trained.get(key) != now.get(key)
        }
        if changed:
            raise TrainingError(
                f"{path} was made with other settings ({changed}); repeat them, or choose --out"
            )
        network.load_state_dict(state["network"])
        optimizer.load_state_dict(state["optimizer"])
        torch.set_rng_state(state["rng"])
        self.step, self.best = state["step"], state["best"]
        self.say(f"going on at step {self.step}")

    def learn(
        self,
        model: nn.Module,
        network: nn.Module,
        optimizer: torch.optim.Optimizer,
        batch: Batch,
    ) -> None:
        rate = learning_rate(self.step, self.settings)
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.zero_grad(set_to_none=True)
        terms = self.task.loss(model, batch)
        total = torch.stack(list(terms.values())).sum()
        if not torch.isfinite(total):
            found = {name: float(term.detach()) for name, term in terms.items()}
            raise TrainingError(
                f"step {self.step}: the loss is not finite ({found}); the last good checkpoint is "
                f"{self.out / LAST}; try a smaller learning rate"
            )
        self.fabric.backward(total)
        optimizer.step()
        self.step += 1
        self.since += 1
        now = time.monotonic()
        if now - self.told > SECONDS_BETWEEN_LINES:
            self._tell(terms, rate, now)
        if now - self.saved > 60 * self.settings.checkpoint_minutes:
            self.save(network, optimizer)
            model.train()

    def _tell(self, terms: dict[str, Tensor], rate: float, now: float) -> None:
        if not self.fabric.is_global_zero:
            return
        speed = self.since * self.settings.batch / (now - self.told)
        left = (self.settings.steps - self.step) * self.settings.batch / speed / 60
        values = {name: float(term.detach()) for name, term in terms.items()}
        shown = "  ".join(f"{name} {value:.4f}" for name, value in values.items())
        self.say(
            f"step {self.step}/{self.settings.steps}  {shown}  {speed:.1f} images/s  "
            f"{left:.0f} min left"
        )
        assert self.writer is not None
        for name, value in values.items():
            self.writer.add_scalar(f"loss/{name}", value, self.step)
        self.writer.add_scalar("learning rate", rate, self.step)
        self.told, self.since = now, 0

    def save(self, network: nn.Module, optimizer: torch.optim.Optimizer) -> None:
        """Checkpoint, validation, samples; the old files are there until the new ones are whole."""
        if self.fabric.is_global_zero:
            network.eval()
            with torch.no_grad():
                scores, picture = self.task.validate(network)
            self.say(f"step {self.step}  " + "  ".join(f"{k} {v:.4f}" for k, v in scores.items()))
            self._record(scores, picture)
            if scores["score"] > self.best:
                self.best = scores["score"]
                part = self.out / f".{BEST}.part"
                tensors = {n: t.contiguous() for n, t in network.state_dict().items()}
                save_file(tensors, part, metadata=self.task.metadata())
                part.replace(self.out / BEST)
            self._checkpoint(network, optimizer)
        self.fabric.barrier()
        self.saved = self.told = time.monotonic()
        self.since = 0

    def _checkpoint(self, network: nn.Module, optimizer: torch.optim.Optimizer) -> None:
        state: dict[str, Any] = {
            "network": network.state_dict(),
            "optimizer": optimizer.state_dict(),
            "rng": torch.get_rng_state(),
            "step": self.step,
            "best": self.best,
            "settings": asdict(self.settings),
            "task": self.task.metadata(),
        }
        part = self.out / f".{LAST}.part"
        torch.save(state, part)
        part.replace(self.out / LAST)

    def _record(self, scores: dict[str, float], picture: Image) -> None:
        assert self.writer is not None
        for name, value in scores.items():
            self.writer.add_scalar(f"validation/{name}", value, self.step)
        folder = self.out / "samples"
        folder.mkdir(exist_ok=True)
        cv2.imwrite(str(folder / f"{self.step:08d}.png"), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
        log = self.out / "log.csv"
        new = not log.exists()
        with log.open("a", encoding="utf-8") as file:
            if new:
                file.write(",".join(["step", *scores]) + "\n")
            file.write(",".join([str(self.step), *(f"{v:.6g}" for v in scores.values())]) + "\n")


def learning_rate(step: int, settings: Settings) -> float:
    """Linear warm-up, then cosine decay to zero at the last step."""
    if step < settings.warmup:
        return settings.learning_rate * (step + 1) / settings.warmup
    done = (step - settings.warmup) / max(1, settings.steps - settings.warmup)
    return settings.learning_rate * 0.5 * (1 + math.cos(math.pi * min(1.0, done)))
