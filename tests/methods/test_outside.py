"""Results and programs from outside: external and command."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil
import pytest

import methods
from methods.base import MethodError, MissingRequirementError
from methods.images import write_png
from tests.methods.conftest import box, scene
from tests.paths import ROOT

IMAGE = scene(1, 48, 64)
MASK = box(48, 64, slice(10, 30), slice(20, 50))

FILL = """
import sys
from PIL import Image
image, mask = Image.open(sys.argv[1]), Image.open(sys.argv[2])
assert image.mode == "RGB" and mask.mode == "L"
assert image.getpixel((25, 15)) == (0, 0, 0) and mask.getpixel((25, 15)) == 255
print("filling")
image.paste((9, 99, 199), mask=mask)
image.save(sys.argv[3])
"""


def program(folder: Path, code: str, **options: object) -> methods.Inpainter:
    path = folder / "my program.py"
    path.write_text(code)
    template = f"{sys.executable} '{path}' {{image}} {{mask}} {{result}}"
    return methods.create("command", template=template, **options)  # type: ignore[arg-type]


def failure(method: methods.Inpainter) -> MethodError:
    with pytest.raises(MethodError) as caught:
        method.inpaint(IMAGE, MASK)
    assert "\n" not in str(caught.value)
    return caught.value


def is_gone(process_id: str) -> bool:
    # Gone, or a zombie that init has yet to collect.
    try:
        return psutil.Process(int(process_id)).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_program_fills_the_hole(tmp_path: Path) -> None:
    method = program(tmp_path, FILL)
    result = method.inpaint(IMAGE, MASK)
    assert (result[MASK] == (9, 99, 199)).all() and np.array_equal(result[~MASK], IMAGE[~MASK])
    assert method.log == "filling\n"
    assert method.peak_memory_mb is not None and 5 < method.peak_memory_mb < 2000


@pytest.mark.slow
def test_peak_memory_is_the_programs_and_not_ours(tmp_path: Path) -> None:
    ours = np.ones(400 * 2**20, np.uint8)
    modest = program(tmp_path, FILL)
    modest.inpaint(IMAGE, MASK)
    large = program(tmp_path, "x = bytearray(300 * 2**20)\n" + FILL)
    large.inpaint(IMAGE, MASK)
    assert modest.peak_memory_mb and large.peak_memory_mb
    assert modest.peak_memory_mb < ours.nbytes / 2**20 / 4
    assert 280 < large.peak_memory_mb - modest.peak_memory_mb < 330


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("import sys; sys.exit('no GPU found')", "exit status 1: no GPU found"),
        ("raise SystemExit(3)", "exit status 3"),
        ("import os; os.abort()", "killed by SIGABRT"),
        ("pass", "wrote no result"),
        ("import sys; open(sys.argv[3], 'w').write('x')", "cannot be read"),
        (
            "import sys; from PIL import Image; Image.new('RGB', (64, 47)).save(sys.argv[3])",
            "result is 64x47, the image 64x48",
        ),
    ],
)
def test_a_program_that_fails_is_explained(tmp_path: Path, code: str, said: str) -> None:
    assert said in str(failure(program(tmp_path, code)))


def test_what_a_failing_program_printed_is_kept(tmp_path: Path) -> None:
    code = "import sys; print('one'); print('two', file=sys.stderr); sys.exit(4)"
    error = failure(program(tmp_path, code))
    assert set(error.log.split()) == {"one", "two"}


def test_the_reason_is_the_last_line_of_stderr_and_names_no_scratch_folder(tmp_path: Path) -> None:
    code = "import sys; print('bye'); sys.exit('cannot open ' + sys.argv[1])"
    error = failure(program(tmp_path, code))
    assert str(error) == "program ended with exit status 1: cannot open image.png"


def test_a_program_that_cannot_be_started_is_explained(tmp_path: Path) -> None:
    script = tmp_path / "fill"
    script.write_text("no first line that tells the interpreter")
    script.chmod(0o755)
    method = methods.create("command", template=f"{script} {{image}} {{mask}} {{result}}")
    assert "cannot be started: Exec format error" in str(failure(method))


@pytest.mark.slow
def test_time_limit_ends_the_program_and_what_it_started(tmp_path: Path) -> None:
    code = (
        "import subprocess, sys\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import signal; signal.pause()'])\n"
        f"open({str(tmp_path / 'child')!r}, 'w').write(str(child.pid))\n"
        "child.wait()\n"
    )
    error = failure(program(tmp_path, code, time_limit=2))
    assert "time limit of 2 s" in str(error)
    wait_until(lambda: is_gone((tmp_path / "child").read_text()))


def test_a_program_does_not_outlive_a_killed_benchmark(tmp_path: Path) -> None:
    started = tmp_path / "started"
    code = (
        "import os, signal, sys\n"
        f"open({str(started) + '.new'!r}, 'w').write(str(os.getpid()))\n"
        f"os.rename({str(started) + '.new'!r}, {str(started)!r})\n"
        "signal.pause()\n"
    )
    script = tmp_path / "hang.py"
    script.write_text(code)
    template = f"{sys.executable} {script} {{image}} {{mask}} {{result}}"
    benchmark = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys, methods, numpy as np\n"
            "method = methods.create('command', template=sys.argv[1])\n"
            "method.inpaint(np.zeros((9, 9, 3), np.uint8), np.eye(9, dtype=bool))\n",
            template,
        ],
        cwd=ROOT,
    )
    wait_until(started.exists)
    benchmark.kill()
    benchmark.wait()
    wait_until(lambda: is_gone(started.read_text()))


def test_what_a_program_leaves_running_is_ended(tmp_path: Path) -> None:
    code = FILL + (
        "import subprocess\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import signal; signal.pause()'])\n"
        f"open({str(tmp_path / 'child')!r}, 'w').write(str(child.pid))\n"
    )
    program(tmp_path, code).inpaint(IMAGE, MASK)
    wait_until(lambda: is_gone((tmp_path / "child").read_text()))


def test_a_relative_script_is_found_from_the_scratch_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "fill.py").write_text(FILL)
    monkeypatch.chdir(tmp_path)
    template = f"{sys.executable} fill.py {{image}} {{mask}} {{result}}"
    method = methods.create("command", template=template)
    assert (method.inpaint(IMAGE, MASK)[MASK] == (9, 99, 199)).all()


def test_a_changed_program_is_another_method(tmp_path: Path) -> None:
    first = program(tmp_path, FILL).identity(48, "a")
    assert first == program(tmp_path, FILL).identity(48, "a")
    assert first != program(tmp_path, FILL + "\n# changed").identity(48, "a")


def test_files_behind_an_equals_sign_count_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my weights").write_text("1")
    code = "import sys; print(open(sys.argv.pop(1).split('=')[1]).read()); " + FILL.strip()
    (tmp_path / "fill.py").write_text(code)
    template = f"{sys.executable} fill.py '--weights=my weights' {{image}} {{mask}} {{result}}"
    method = methods.create("command", template=template)
    method.inpaint(IMAGE, MASK)
    assert method.log.startswith("1\n")
    before = method.identity(48, "a")
    (tmp_path / "my weights").write_text("22")
    assert method.identity(48, "a") != before


def test_the_time_limit_changes_no_result(tmp_path: Path) -> None:
    hurried, patient = (program(tmp_path, FILL, time_limit=limit) for limit in (10, 100))
    assert hurried.identity(48, "a") == patient.identity(48, "a")


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("", "empty"),
        ("python3 x.py", "{image}"),
        ("python3 {image} {mask}", "{result}"),
        ("python3 {image} {mask} {result} {seed}", "{seed}"),
        ("no-such-program {image} {mask} {result}", "not found"),
        ("python3 '{image} {mask} {result}", "quotation"),
    ],
)
def test_templates_that_cannot_work(template: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        methods.create("command", template=template)


@pytest.fixture
def results(tmp_path: Path) -> Path:
    write_png(tmp_path / "made elsewhere" / "48" / "cat.png", 255 - IMAGE)
    return tmp_path / "made elsewhere"


def test_external_results_are_found_by_resolution_and_name(results: Path) -> None:
    method = methods.create("external", folder=str(results))
    raw = method.for_case(48, "cat").fill(IMAGE, MASK)
    assert np.array_equal(raw, 255 - IMAGE)
    assert np.array_equal(method.for_case(48, "cat").inpaint(IMAGE, MASK)[~MASK], IMAGE[~MASK])
    with pytest.raises(MissingRequirementError, match=r"96/cat\.png"):
        method.for_case(96, "cat")
    with pytest.raises(MissingRequirementError, match=r"48/dog\.png"):
        method.for_case(48, "dog")


def test_a_flat_folder_holds_one_resolution(tmp_path: Path) -> None:
    write_png(tmp_path / "cat.png", 255 - IMAGE)
    method = methods.create("external", folder=str(tmp_path))
    assert np.array_equal(method.for_case(48, "cat").fill(IMAGE, MASK), 255 - IMAGE)


def test_suffixes_in_capitals_are_found(results: Path) -> None:
    (results / "48" / "cat.png").rename(results / "48" / "cat.PNG")
    method = methods.create("external", folder=str(results))
    assert np.array_equal(method.for_case(48, "cat").fill(IMAGE, MASK), 255 - IMAGE)


def test_external_identity_is_the_files_bytes(results: Path, tmp_path: Path) -> None:
    method = methods.create("external", folder=str(results))
    first = method.identity(48, "cat")
    moved = results.rename(tmp_path / "elsewhere")
    assert methods.create("external", folder=str(moved)).identity(48, "cat") == first
    write_png(moved / "48" / "cat.png", IMAGE)
    assert methods.create("external", folder=str(moved)).identity(48, "cat") != first


def test_external_mistakes_are_named(results: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not a folder"):
        methods.create("external", folder=str(tmp_path / "nowhere"))
    (tmp_path / "bare").mkdir()
    with pytest.raises(ValueError, match="holds no image"):
        methods.create("external", folder=str(tmp_path / "bare"))
    method = methods.create("external", folder=str(results))
    with pytest.raises(MethodError, match="64x48, the case 64x47"):
        method.for_case(48, "cat").fill(IMAGE[:-1], MASK[:-1])
    (results / "48" / "dog.png").write_bytes(b"half a file")
    method = methods.create("external", folder=str(results))
    with pytest.raises(MethodError, match=r"dog\.png"):
        method.for_case(48, "dog").fill(IMAGE, MASK)
    write_png(results / "48" / "cat.tif", IMAGE)
    (results / "48" / "cat.tiff").write_bytes(b"x")
    method = methods.create("external", folder=str(results))
    with pytest.raises(MethodError, match="two results for one case; leave one of them there"):
        method.for_case(48, "cat")


def test_symbolic_links_to_nothing_are_said_to_be_such(results: Path, tmp_path: Path) -> None:
    (results / "48" / "cat.png").rename(results / "48" / "dog.png")
    (results / "48" / "cat.png").symlink_to(tmp_path / "nowhere.png")
    said = r"no result .*cat.png; cat.png is a symbolic link to nothing: put the file itself there"
    with pytest.raises(MissingRequirementError, match=said):
        methods.create("external", folder=str(results)).for_case(48, "cat")
    (results / "48" / "dog.png").unlink()
    with pytest.raises(ValueError, match=r"no image but symbolic links to nothing, .*48/cat.png;"):
        methods.create("external", folder=str(results))
