# SPDX-License-Identifier: Apache-2.0
"""The command line: help with examples, one-line errors, exit statuses."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

import stapes
from stapes.cli import main as cli

TRAIN = "train --data_dir a --train_dir b"


@pytest.mark.parametrize("command", sorted(cli.COMMANDS))
def test_every_command_has_help_with_an_example(command, capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main([*command.split(), "--help"])
    text = capsys.readouterr().out
    assert stop.value.code == 0
    assert "Example" in text
    assert f"stapes {command}" in text.partition("Example")[2], "the example shows this command"


def is_listed(name: str, help_line: str, text: str) -> bool:
    """Whether `name` has an entry of its own, with its line of help, in a list of --help."""
    words = r"\s+".join(map(re.escape, help_line.split()))
    return re.search(rf"^ +{name}\s+{words}$", text, re.MULTILINE) is not None


@pytest.mark.parametrize("group", sorted(cli.GROUPS))
def test_every_group_lists_its_commands(group, capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main([group, "--help"])
    text = capsys.readouterr().out
    assert stop.value.code == 0
    for command, help_line in cli.COMMANDS.items():
        if command.startswith(f"{group} "):
            assert is_listed(command.split()[1], help_line, text)


def test_help_lists_every_command(capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(["--help"])
    text = capsys.readouterr().out
    assert stop.value.code == 0
    for command, help_line in cli.COMMANDS.items():
        if " " not in command:
            assert is_listed(command, help_line, text)
    for group, help_line in cli.GROUPS.items():
        assert is_listed(group, help_line, text)


def test_version_is_that_of_the_package(capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(["--version"])
    assert stop.value.code == 0
    assert capsys.readouterr().out == f"stapes {stapes.__version__}\n"


def test_a_mistake_is_one_line_on_stderr_and_status_2(tmp_path, capsys):
    missing = tmp_path / "missing.txt"
    arguments = ["stream", "score", "--ground_truth", str(missing), "--detections", str(missing)]
    assert cli.main(arguments) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.count("\n") == 1
    assert output.err.startswith(f"stapes: error: {missing}: cannot be read")


def test_dashes_and_underscores_in_flags_are_the_same(tmp_path, capsys):
    truth = tmp_path / "my-truth_file.txt"
    truth.write_text("yes, 0\n")
    for flag in ("--ground-truth", "--ground_truth"):
        arguments = ["stream", "score", f"{flag}={truth}", "--detections", str(truth)]
        assert cli.main(arguments) == 0
    assert "100.0% matched" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("fly", "fly is not known to stapes; see stapes --help"),
        ("trian", "trian is not known to stapes, did you mean train?; see stapes --help"),
        ("stream", "expected ACTION; see stapes stream --help"),
        ("stream maek", "maek is not known to stapes stream, did you mean make?"),
        ("train", "expected --data_dir, --train_dir; see stapes train --help"),
        ("train --data_dir", "--data_dir: expected one argument; see stapes train --help"),
        ("info a.tflite b.tflite", "unrecognized arguments: b.tflite; see stapes info --help"),
        (f"{TRAIN} --quantise true", "--quantise is not a flag of stapes train, did you mean --qu"),
        (f"{TRAIN} --wanted-word=a", "did you mean --wanted_words?; see stapes train --help"),
        (f"{TRAIN} --xyz", "--xyz is not a flag of stapes train; see stapes train --help"),
        (
            f"{TRAIN} --dct_coefficient_count 40",
            "the 2017 name of --feature_bin_count (docs/tutorial_map.md)",
        ),
        (
            "stream score --ground_truth a --detections b --verbose",
            "--json lists every detection (docs/tutorial_map.md)",
        ),
    ],
)
def test_a_wrong_command_line_is_one_line_that_says_what_is_wrong(words, says, capsys):
    assert cli.main(words.split()) == 2
    error = capsys.readouterr().err
    assert error.startswith("stapes: error: ") and error.count("\n") == 1
    assert says in error


def test_help_does_not_load_tensorflow_or_numpy():
    program = (
        "import sys, contextlib\n"
        "from stapes.cli.main import main\n"
        "with contextlib.suppress(SystemExit): main(['--help'])\n"
        "print(sorted({'tensorflow', 'numpy', 'scipy'} & set(sys.modules)), file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stderr.strip() == "[]"


def test_the_package_runs_as_a_module():
    done = subprocess.run(
        [sys.executable, "-m", "stapes", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("stapes ")


def test_a_reader_that_goes_away_is_no_error(tmp_path):
    labels = tmp_path / "labels.txt"
    labels.write_text("".join(f"yes, {5000 * index}\n" for index in range(20_000)))
    empty = tmp_path / "empty.txt"
    empty.touch()
    command = (
        f"{sys.executable} -m stapes stream score --ground_truth {labels} --detections {empty}"
    )
    done = subprocess.run(
        ["bash", "-c", f"{command} | head -n 1"], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("0.0% matched")
    assert done.stderr == ""


def test_a_full_disk_behind_stdout_is_one_line_and_status_2():
    code = (
        "import sys, types; from stapes.cli import main as cli; "
        "cli.build_parser = lambda name: types.SimpleNamespace(parse_args=lambda argv: "
        "types.SimpleNamespace(run=lambda arguments: print('text') or 0)); sys.exit(cli.main())"
    )
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-c", code], stdout=full, stderr=subprocess.PIPE, text=True
        )
    assert done.returncode == 2
    assert done.stderr.startswith("stapes: error: standard output: No space left")
    assert done.stderr.count("\n") == 1


def test_a_file_that_nobody_foresaw_is_one_line_and_status_2(tmp_path, capsys, monkeypatch):
    def run(arguments):
        (tmp_path / ("n" * 300)).stat()

    monkeypatch.setattr("stapes.cli.commands.info.run", run)
    assert cli.main(["info", "model.tflite"]) == 2
    error = capsys.readouterr().err
    assert "nnn: File name too long" in error and error.count("\n") == 1


def test_a_second_ctrl_c_changes_nothing():
    program = (
        "import atexit, os, signal, sys, types\n"
        "from stapes.cli import main as cli\n"
        "interrupt = lambda *_: os.kill(os.getpid(), signal.SIGINT)\n"
        "atexit.register(interrupt)\n"
        "cli.command_module = lambda name: types.SimpleNamespace(\n"
        "    EXAMPLE='', add_arguments=lambda parser: None, run=interrupt)\n"
        "sys.argv = ['stapes', 'train']\n"
        "raise SystemExit(cli.main())\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (130, "stapes: stopped\n")


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-", "PYTHONIOENCODING=ascii"])
def test_output_that_is_closed_or_knows_ascii_only_is_no_error(closed):
    code = (
        "import sys, types; from stapes.cli import main as cli; "
        "cli.build_parser = lambda name: types.SimpleNamespace(parse_args=lambda argv: "
        "types.SimpleNamespace(run=lambda arguments: print('gr\\xfcn \\udcff') or 0)); "
        "sys.exit(cli.main())"
    )
    setting, redirection = ("", closed) if "&" in closed else (closed, "")
    command = f"{setting} {sys.executable} -c {shlex.quote(code)} {redirection}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    shown = {"2>&-": "gr\xfcn \\udcff\n", "PYTHONIOENCODING=ascii": "gr\\xfcn \\udcff\n"}
    assert done.stdout == shown.get(closed, "")


def test_the_command_alone_shows_the_path_from_clips_to_a_board(capsys):
    assert cli.main([]) == 0
    text = capsys.readouterr().out
    named = re.findall(r"(?m)^  stapes (data \w+|stream \w+|\w+)", text)
    assert set(named) <= set(cli.COMMANDS) and {"train", "export", "flash", "monitor"} <= set(named)


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("stapes rep", "replay "),
        ("stapes stream m", "make "),
        ("stapes load --slo", "--slots "),
    ],
)
def test_a_shell_completes_commands_and_flags(tmp_path, line, offered):
    said = tmp_path / "said"
    environment = {"_ARGCOMPLETE": "1", "COMP_LINE": line, "COMP_POINT": str(len(line))}
    environment |= {"_ARGCOMPLETE_STDOUT_FILENAME": str(said), "IFS": "\013"}
    command = [sys.executable, "-m", "stapes"]
    subprocess.run(command, env={**os.environ, **environment}, check=True)
    assert said.read_text() == offered
