"""The training loop: numbered samples, checkpoints, resuming and logs for any `Task`."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, Subset

from methods.base import Image, MethodError
from methods.files import replacing, write_atomically
from methods.images import write_png
from methods.network import load_state, torch_device
from methods.training.schedule import Settings, learning_rate, progress
from methods.training.task import Batch, Task
from methods.weights import files

# Both take seconds to import, and help texts and packing need neither.
if TYPE_CHECKING:
    import lightning_fabric
    from torch.utils.tensorboard import SummaryWriter

SECONDS_BETWEEN_LINES = 20
# Share of the current batch in the running means of batch norm. With PyTorch's 0.1, which averages
# about ten batches, validation varied by a tenth of a decibel between checkpoints, depending on
# whether their holes were large or small.
NORM_MOMENTUM = 0.02
LAST, BEST = "last.pt", "best.safetensors"
# Settings that a resumed training must repeat.
FIXED_SETTINGS = ("steps", "batch", "learning_rate", "warmup", "seed", "minutes")


class TrainingError(MethodError):
    """Training cannot start or continue; the message says why and what is kept."""


def train(
    task: Task,
    settings: Settings,
    out: Path,
    resume: bool,
    report: Callable[[str], None] = print,
    initial: Path | None = None,
) -> Path:
    """Train a network and return the weights file of its best checkpoint.

    Parameters
    ----------
    out
        Folder to write: last.pt (everything needed to resume), best.safetensors, settings.json,
        log.csv, samples/ and tensorboard/.
    resume
        Whether to continue the training in `out`, if there is one.
    initial
        A weights file of the same network to start from.

    Raises
    ------
    TrainingError
        If `out` holds a training and `resume` is false, or it has other settings; or if the loss
        is not finite.
    MissingRequirementError
        If there is no such device.
    WeightsError
        If `initial` does not fit the network.
    """
    import lightning_fabric

    # Fabric would say it with a traceback.
    torch_device(settings.device)
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
    network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    run = _Run(task, settings, out, fabric, network, report)
    run.start(resume)
    for batch in run.batches():
        if run.is_over():
            break
        run.learn(batch)
    run.save()
    return out / BEST


class _Samples(Dataset[Batch]):
    def __init__(self, task: Task) -> None:
        self._task = task

    def __getitem__(self, index: int) -> Batch:
        return self._task.sample(index)


@dataclass
class _Run:
    task: Task
    settings: Settings
    out: Path
    fabric: lightning_fabric.Fabric
    network: nn.Module
    report: Callable[[str], None]
    step: int = 0
    # Spent on training, earlier commands' included, until the last look at the clock.
    seconds: float = 0.0
    best: float = -math.inf
    writer: SummaryWriter | None = None

    def __post_init__(self) -> None:
        parameters = self.network.parameters()
        self.model: Any = self.network
        self.optimizer: Any = torch.optim.Adam(parameters, lr=self.settings.learning_rate)
        self.last_look = time.monotonic()
        self._reset_clock()

    def start(self, resume: bool) -> None:
        from torch.utils.tensorboard import SummaryWriter

        checkpoint = self.out / LAST
        if checkpoint.exists() and not resume:
            raise TrainingError(f"{self.out} holds a training; --resume goes on, or choose --out")
        moments = self._restore(checkpoint) if checkpoint.exists() else None
        plain_optimizer = self.optimizer
        if self.fabric.is_global_zero:
            settings = json.dumps(asdict(self.settings), indent=2) + "\n"
            write_atomically(self.out / "settings.json", settings)
            self.writer = SummaryWriter(str(self.out / "tensorboard"), purge_step=self.step)
        self.model, self.optimizer = self.fabric.setup(self.network, self.optimizer)
        if moments is not None:
            # Only now, because they follow the weights to their device.
            plain_optimizer.load_state_dict(moments)
        self.model.train()

    def batches(self) -> Any:
        """Return the remaining batches: sample numbers follow from the step, so that a resumed
        training continues with the next sample."""
        batch = self.settings.batch
        samples = Subset(_Samples(self.task), range(self.step * batch, self.settings.steps * batch))
        loader = DataLoader(
            samples,
            batch_size=batch // self.fabric.world_size,
            num_workers=self.settings.workers,
            drop_last=True,
            # Copied to a GPU while it computes.
            pin_memory=self.fabric.device.type == "cuda",
            prefetch_factor=4 if self.settings.workers else None,
            # The default generator would advance the random state that resuming restores.
            generator=torch.Generator(),
        )
        return self.fabric.setup_dataloaders(loader)

    def is_over(self) -> bool:
        """Return whether the time is over, for all devices alike."""
        now = time.monotonic()
        self.seconds, self.last_look = self.seconds + now - self.last_look, now
        over = progress(self.step, self.settings, self.seconds) >= 1
        return bool(self.fabric.broadcast(over))

    def learn(self, batch: Batch) -> None:
        rate = learning_rate(self.step, self.settings, self.seconds)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.optimizer.zero_grad(set_to_none=True)
        terms = self.task.loss(self.model, batch)
        total = torch.stack(list(terms.values())).sum()
        if not torch.isfinite(total):
            raise TrainingError(
                f"step {self.step}: the loss is not finite ({_floats(terms)}); the last good "
                f"checkpoint is {self.out / LAST}; try a smaller learning rate"
            )
        self.fabric.backward(total)
        self.optimizer.step()
        self.step += 1
        self.steps_since_line += 1
        now = time.monotonic()
        if now - self.last_line > SECONDS_BETWEEN_LINES:
            self._report_progress(_floats(terms), rate, now)
        if now - self.last_checkpoint > 60 * self.settings.checkpoint_minutes:
            self.save()
            self.model.train()

    def save(self) -> None:
        """Validate and write a checkpoint; the old files stay until the new ones are complete."""
        if self.fabric.is_global_zero:
            self.network.eval()
            with torch.no_grad():
                scores, picture = self.task.validate(self.network)
            self.report(f"step {self.step}  {_shown(scores)}")
            self._log(scores, picture)
            if scores["score"] > self.best:
                self.best = scores["score"]
                tensors = {n: t.contiguous() for n, t in self.network.state_dict().items()}
                with replacing(self.out / BEST) as (part,):
                    save_file(tensors, part, metadata=self.task.metadata())
            with replacing(self.out / LAST) as (part,):
                torch.save(self._state(), part)
        self.fabric.barrier()
        self._reset_clock()

    def _reset_clock(self) -> None:
        self.last_checkpoint = self.last_line = time.monotonic()
        self.steps_since_line = 0

    def _state(self) -> dict[str, Any]:
        return {
            "network": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "rng": torch.get_rng_state(),
            "step": self.step,
            "seconds": self.seconds,
            "best": self.best,
            "settings": asdict(self.settings),
            "task": self.task.metadata(),
        }

    def _restore(self, path: Path) -> dict[str, Any]:
        """Restore a checkpoint but for the state of the optimizer, which is returned."""
        state = torch.load(path, weights_only=True, map_location="cpu")
        trained = {**state["settings"], **state["task"]}
        now = {**asdict(self.settings), **self.task.metadata()}
        names = sorted({*FIXED_SETTINGS, *state["task"], *self.task.metadata()})
        changed = {n: (trained.get(n), now.get(n)) for n in names if trained.get(n) != now.get(n)}
        if changed:
            raise TrainingError(
                f"{path} was made with other settings ({changed}); repeat them, or choose --out"
            )
        self.network.load_state_dict(state["network"])
        torch.set_rng_state(state["rng"])
        self.step, self.best = state["step"], state["best"]
        # An earlier version had no limit of time.
        self.seconds = state.get("seconds", 0.0)
        self.report(f"going on at step {self.step}")
        return dict(state["optimizer"])

    def _report_progress(self, terms: dict[str, float], rate: float, now: float) -> None:
        if self.writer is None:
            return
        speed = self.steps_since_line * self.settings.batch / (now - self.last_line)
        left = (self.settings.steps - self.step) * self.settings.batch / speed / 60
        if self.settings.minutes is not None:
            left = min(left, self.settings.minutes - self.seconds / 60)
        step = f"step {self.step}/{self.settings.steps}"
        self.report(f"{step}  {_shown(terms)}  {speed:.1f} images/s  {left:.0f} min left")
        for name, value in terms.items():
            self.writer.add_scalar(f"loss/{name}", value, self.step)
        self.writer.add_scalar("learning rate", rate, self.step)
        self.last_line, self.steps_since_line = now, 0

    def _log(self, scores: dict[str, float], picture: Image) -> None:
        assert self.writer is not None
        for name, value in scores.items():
            self.writer.add_scalar(f"validation/{name}", value, self.step)
        write_png(self.out / "samples" / f"{self.step:08d}.png", picture)
        with (self.out / "log.csv").open("a", encoding="utf-8") as file:
            if file.tell() == 0:
                print("step", *scores, sep=",", file=file)
            print(self.step, *(f"{v:.6g}" for v in scores.values()), sep=",", file=file)


def _floats(terms: dict[str, Tensor]) -> dict[str, float]:
    return {name: float(term.detach()) for name, term in terms.items()}


def _shown(values: dict[str, float]) -> str:
    return "  ".join(f"{name} {value:.4f}" for name, value in values.items())
