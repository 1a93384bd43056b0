# SPDX-License-Identifier: Apache-2.0
"""The plan of a word: the right commands, in order, for the options of the user."""

from __future__ import annotations

import dataclasses
import shlex
import shutil
from itertools import pairwise
from pathlib import Path

import pytest

from stapes.cli.main import build_parser, main
from stapes.word import plan
from stapes.word.plan import TRUNK, Amounts, Job, WordSettings, digest, inputs_of, make_plan

needs_espeak = pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="needs espeak-ng")


def job(tmp_path, **values):
    defaults = {
        "words": ("hey stapes",),
        "near": ("hey", "mistakes"),
        "clip_duration_ms": 1300,
        "work_dir": tmp_path / "work",
        "output": tmp_path / "hey.tflite",
    }
    return Job(**{**defaults, **values})


def by_name(stages):
    return {stage.name: stage for stage in stages}


def test_a_plan_speaks_trains_mines_trains_again_tunes_and_tests(tmp_path):
    names = [stage.name for stage in make_plan(job(tmp_path), WordSettings())]
    assert names == [
        *("talk_train", "noise_train", "speak_train", "near", "gather", "first", "export_first"),
        *("mine", "second", "export_second"),
        *("talk_tune", "noise_tune", "speak_tune", "stream_tune", "join_tune", "tune"),
        *("talk_test", "noise_test", "speak_test", "stream_test", "join_test", "card"),
    ]


def test_every_stage_is_a_command_that_stapes_understands(tmp_path):
    for stage in make_plan(job(tmp_path, voices=("libri.onnx",)), WordSettings(quick=True)):
        words = list(stage.command)
        name = " ".join(words[:2]) if words[0] in ("data", "stream") else words[0]
        build_parser(name).parse_args(words)
        assert shlex.split(stage.line()) == ["stapes", *words]


def test_a_stage_needs_only_stages_before_it(tmp_path):
    before = set()
    for stage in make_plan(job(tmp_path), WordSettings()):
        assert set(stage.needs) <= before, stage.name
        before.add(stage.name)


def test_training_tuning_and_testing_have_other_voices_and_other_seeds(tmp_path):
    stages = by_name(make_plan(job(tmp_path), WordSettings()))
    flags = {
        cast: dict(pairwise(stages[f"talk_{cast}"].command)) for cast in ("train", "tune", "test")
    }
    assert [flags[cast]["--cast"] for cast in flags] == ["train", "tune", "test"]
    assert len({flags[cast]["--seed"] for cast in flags}) == 3


def test_another_trunk_begins_the_training_anew(tmp_path, monkeypatch):
    before = inputs_of(job(tmp_path))
    assert inputs_of(job(tmp_path)) == before
    (tmp_path / "trunk.npz").write_bytes(b"another")
    monkeypatch.setattr(plan, "TRUNK", tmp_path / "trunk.npz")
    after = inputs_of(job(tmp_path))
    changed = {name for name in before if after[name] != before[name]}
    assert changed == {"first", "second"}


def test_what_changes_outside_of_the_folder_is_gathered_and_joined_anew(tmp_path):
    sounds, recordings = tmp_path / "sounds", tmp_path / "recordings"
    for folder in (sounds, recordings):
        folder.mkdir()
    mine = dataclasses.replace(job(tmp_path), sounds=sounds, recordings=(recordings,))
    before = inputs_of(mine)

    def changed():
        after = inputs_of(mine)
        return {name for name in before if after[name] != before[name]}

    (recordings / "a.wav").write_bytes(b"1")
    assert changed() == {"gather"}
    (sounds / "b.wav").write_bytes(b"1")
    assert changed() == {"gather", "join_tune", "join_test"}


def test_no_talk_holds_a_word_that_it_stands_against(tmp_path):
    stages = by_name(make_plan(job(tmp_path, words=("hey stapes", "computer")), WordSettings()))
    for cast in ("train", "tune", "test"):
        flags = dict(pairwise(stages[f"talk_{cast}"].command))
        assert flags["--without"] == "hey stapes,computer"


def test_each_cast_has_noise_of_its_own_where_its_words_are(tmp_path):
    stages = by_name(make_plan(job(tmp_path), WordSettings(minutes=10, seed=2)))
    flags = {
        cast: dict(pairwise(stages[f"noise_{cast}"].command)) for cast in ("train", "tune", "test")
    }
    folders = [Path(flags[cast]["--output_dir"]).name for cast in flags]
    assert folders == ["corpus", "tune", "test"]
    assert [float(flags[cast]["--minutes"]) for cast in flags] == [20, 10, 10]
    assert len({flags[cast]["--seed"] for cast in flags}) == 3
    for cast in ("tune", "test"):
        assert flags[cast]["--output_dir"] in stages[f"stream_{cast}"].command
        assert f"noise_{cast}" in stages[f"stream_{cast}"].needs
        assert f"noise_{cast}" in stages[f"join_{cast}"].needs
    assert "noise_train" in stages["gather"].needs, "its links go when the noise is made again"


def test_there_is_a_minute_of_noise_to_train_with_at_least_and_an_hour_at_most():
    assert [Amounts.within(minutes).noise_minutes for minutes in (0.1, 5, 60)] == [1, 10, 60]


def test_a_single_false_accept_in_what_it_is_tuned_with_keeps_the_limits(tmp_path):
    amounts, tune = Amounts.within(60), by_name(make_plan(job(tmp_path), WordSettings()))["tune"]
    kinds = [word for flag, word in pairwise(tune.command) if flag == "--also"]
    limits = {kind.split(",")[0]: float(kind.split(",")[1]) for kind in kinds}
    assert limits["talk"] * amounts.test_talk_minutes / 60 >= 1
    assert limits["noise"] * amounts.test_noise_minutes / 60 >= 1


def test_the_threshold_keeps_the_limit_in_talk_and_in_noise(tmp_path):
    tune = by_name(make_plan(job(tmp_path), WordSettings(fa_per_hour=2)))["tune"]
    kinds = [word for flag, word in pairwise(tune.command) if flag == "--also"]
    work = tmp_path / "work"
    assert kinds == [f"talk,2,{work}/tune_talk.wav", f"noise,4,{work}/tune_noise.wav"]
    assert "--lowest" in tune.command, "people's words are harder than those to tune with"
    assert "join_tune" in tune.needs


def test_more_time_gives_more_of_everything_and_quick_is_five_minutes(tmp_path):
    sizes = [Amounts.within(minutes) for minutes in (0.1, 5, 60, 600)]
    for less, more in pairwise(sizes):
        assert all(getattr(less, name) <= getattr(more, name) for name in vars(less))
        assert less.first_steps < more.first_steps and less.talk_minutes < more.talk_minutes
    quick = make_plan(job(tmp_path), WordSettings(quick=True))
    assert quick == make_plan(job(tmp_path), WordSettings(minutes=5))


def test_a_phrase_has_longer_clips_in_every_stage_that_cuts_them(tmp_path):
    stages = by_name(make_plan(job(tmp_path), WordSettings()))
    for name in ("speak_train", "near", "first", "second", "speak_tune", "speak_test"):
        command = stages[name].command
        assert command[command.index("--clip_duration_ms") + 1] == "1300", name


def test_several_words_make_one_model(tmp_path):
    stages = by_name(make_plan(job(tmp_path, words=("alexa", "computer")), WordSettings()))
    command = stages["first"].command
    assert command[command.index("--wanted_words") + 1] == "alexa,computer"
    assert stages["speak_train"].command[2:4] == ("alexa", "computer")


def test_a_digest_changes_with_the_files_of_a_folder(tmp_path):
    (tmp_path / "a").mkdir()
    empty = digest([tmp_path / "a"])
    (tmp_path / "a" / "x.wav").write_bytes(b"1")
    one = digest([tmp_path / "a"])
    (tmp_path / "a" / "x.wav").write_bytes(b"22")
    assert len({empty, one, digest([tmp_path / "a"]), digest([])}) == 3
    assert digest([]) == empty


@needs_espeak
def test_the_plan_is_printed_and_nothing_is_done(tmp_path, capsys):
    work = tmp_path / "work"
    assert main(["word", "hey stapes", "--plan", "--quick", "--work_dir", str(work)]) == 0
    lines = capsys.readouterr().out.splitlines()
    commands = [line for line in lines if line.startswith("stapes ")]
    assert len(commands) == 22
    assert f"--output_file {work}/hey_stapes.tflite" in commands[-1]
    exports = [command for command in commands if " export " in command]
    assert [command.split(" --name ")[1] for command in exports] == ["hey_stapes"] * 2
    assert not work.exists()


# ---- what is refused


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["x" * 200], "expected 1 to 48 bytes"),
        (["🦊"], "found '🦊' in '🦊', expected letters"),
        (["日本"], "found '日', which no English voice can read, expected letters from a to z"),
        (["hey пётр"], "found 'п', which no English voice can read"),
        (["a,b"], "found ',' in 'a,b'"),
        (["hey 2"], "found '2' in 'hey 2'"),
        (["  "], "expected letters"),
        (["yes", "Yes"], "expected words that differ"),
        (["jarvis", "--output_file", "a\nb.tflite"], "expected 1 to 250 bytes of printable"),
        (["jarvis", "--recordings", "nowhere"], "nowhere: found no such folder"),
        (["jarvis", "--sounds", "nowhere"], "nowhere: found no such folder"),
        (["jarvis", "--minutes", "0"], "--minutes=0: expected"),
        (["--", "-jarvis"], "found '-jarvis', expected letters"),
        (["jarvis", "--output_file", "nowhere/a.tflite"], "nowhere/a.tflite: cannot be written"),
        (["jarvis", "--output_file", "/"], "/: found a folder"),
    ],
)
def test_what_no_model_can_be_made_of_is_refused_at_once(tmp_path, capsys, words, message):
    assert main(["word", *words, "--work_dir", str(tmp_path / "work")]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1
    assert not (tmp_path / "work").exists()


def test_a_language_without_voices_is_refused(tmp_path, capsys):
    command = ["word", "jarvis", "--work_dir", str(tmp_path / "work"), "--plan"]
    for language in ("xx", "", "../x"):
        assert main([*command, "--language", language]) == 2
        assert f"--language {language}: found no voice for it" in capsys.readouterr().err


@needs_espeak
def test_a_printed_plan_is_a_script_warnings_and_all(tmp_path, capsys):
    assert main(["word", "yes", "--plan", "--quick", "--work_dir", str(tmp_path / "work")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("# Warning: yes")
    assert all(line.startswith(("# ", "stapes ")) for line in lines)


def test_sounds_without_recordings_are_refused(tmp_path, capsys):
    (tmp_path / "sounds" / "_speech_").mkdir(parents=True)
    command = ["word", "jarvis", "--work_dir", str(tmp_path / "work")]
    assert main([*command, "--sounds", str(tmp_path / "sounds"), "--plan"]) == 2
    assert "sounds: found no recordings in folders, expected WORD/*.wav" in capsys.readouterr().err


@needs_espeak
def test_a_word_may_have_the_name_of_a_stage(tmp_path, capsys):
    work = tmp_path / "work"
    assert main(["word", "second", "--plan", "--quick", "--work_dir", str(work)]) == 0
    plan = capsys.readouterr().out
    assert f"tune {work}/second.tflite" in plan
    assert f"--output_file {work}/second_word.tflite" in plan
    own = ["--output_file", str(work / "x" / ".." / "first.tflite")]
    assert main(["word", "jarvis", "--work_dir", str(work), *own]) == 2
    assert "found the file of a stage" in capsys.readouterr().err


@pytest.mark.parametrize("place", [".", "work", "work/inside"])
def test_what_is_read_and_what_is_written_lie_apart(tmp_path, capsys, place):
    (tmp_path / "work" / "inside").mkdir(parents=True)
    command = ["word", "jarvis", "--work_dir", str(tmp_path / "work")]
    assert main([*command, "--sounds", str(tmp_path / place)]) == 2
    assert "expected two folders, neither inside the other" in capsys.readouterr().err


@needs_espeak
def test_a_phrase_that_takes_too_long_is_refused(tmp_path, capsys):
    phrase = "an extraordinarily complicated formulation again"
    assert main(["word", phrase, "--work_dir", str(tmp_path / "work")]) == 2
    assert "s to say slowly, expected at most 2 s" in capsys.readouterr().err


def test_a_model_that_is_not_there_gets_no_more_recordings(tmp_path, capsys):
    (tmp_path / "more").mkdir()
    command = ["word", "jarvis", "--work_dir", str(tmp_path / "work")]
    assert main([*command, "--add_recordings", str(tmp_path / "more")]) == 2
    assert "job.json" in capsys.readouterr().err
    assert not Path(tmp_path / "work").exists()


@pytest.mark.parametrize(("clip_duration_ms", "layers"), [(1000, 7), (1300, 6), (2000, 6)])
def test_a_network_of_any_length_begins_with_the_trunk(tmp_path, clip_duration_ms, layers):
    """Convolution, narrow layer, four blocks; the last memory too where the clip is as long."""
    from stapes.cli.commands.train import training_settings
    from stapes.networks.registry import create_model
    from stapes.training.trunk import begin_with, load_trunk

    plan = make_plan(job(tmp_path, clip_duration_ms=clip_duration_ms), WordSettings())
    first = by_name(plan)["first"]
    settings = training_settings(build_parser("train").parse_args(list(first.command)))
    model = create_model(settings.architecture, settings.shape, settings.model)
    assert begin_with(model, load_trunk(TRUNK, settings), source="trunk") == layers


def test_the_second_training_is_the_first_again_with_its_mistakes(tmp_path):
    stages = by_name(make_plan(job(tmp_path), WordSettings()))
    first, second = (dict(pairwise(stages[name].command)) for name in ("first", "second"))
    work = tmp_path / "work"
    assert second.pop("--hard_dir") == str(work / "hard") in stages["mine"].command
    assert "--start_checkpoint" not in second, "going on from the first loses words of people"
    for flag in ("--train_dir", "--how_many_training_steps", "--eval_step_interval"):
        del first[flag], second[flag]
    assert {k: v for k, v in first.items() if k.startswith("--")} == {
        k: v for k, v in second.items() if k.startswith("--")
    }
