# SPDX-License-Identifier: Apache-2.0
"""`stapes info`: what a model is and what it costs."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from stapes.cli import frame_times
from stapes.cli.main import main
from stapes.firmware import boards, measure
from stapes.firmware.frame_time import FrameTime
from stapes.firmware.measure import EMULATED_BOARD, MEASURING_TOOLS, Fit, Instructions
from stapes.firmware.tools import missing_tools
from stapes.model.settings import GateSettings, ModelSettings
from stapes.model.shipped import shipped_models

SOURCE = Path(__file__).parents[3]


@pytest.fixture
def model(tmp_path, small_model):
    settings = ModelSettings(
        name="small", labels=("_silence_", "_unknown_", "yes", "no"), provenance={"seed": 7}
    )
    path = tmp_path / "small.tflite"
    path.write_bytes(small_model(settings))
    return path


def test_every_operator_with_its_work_and_bytes(model, capsys):
    assert main(["info", str(model), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    svdf, dense, softmax = report["operators"]
    assert [svdf["name"], dense["name"], softmax["name"]] == ["SVDF", "FULLY_CONNECTED", "SOFTMAX"]
    assert svdf["macs"] == 6 * 40 + 6 * 5  # feature filters, then time filters
    assert dense["macs"] == 6 * 4
    assert svdf["weight_bytes"] == 6 * 40 + 6 * 5 * 2 + 6 * 4  # int8, int16, int32
    assert report["macs"] == svdf["macs"] + dense["macs"]
    assert report["macs_per_second"] == 50 * report["macs"]  # one frame every 20 ms
    assert report["model_bytes"] == model.stat().st_size
    assert report["arena_bytes"] >= 6 * 5 * 2 + 40


def test_the_settings_are_printed_for_people(model, capsys):
    assert main(["info", str(model), "--all"]) == 0
    text = capsys.readouterr().out
    for word in ("yes, no", "sample_rate", "16000", "suppression_ms", "SVDF", "bytes of arena"):
        assert word in text
    assert "seed" in text and "7" in text


def test_six_lines_say_most_of_it_and_the_next_command(model, capsys):
    assert main(["info", str(model)]) == 0
    title, *six, empty, following = capsys.readouterr().out.splitlines()
    assert title == "small: yes, no" and empty == ""
    assert [re.split("  +", line)[1] for line in six] == [
        *("size", "RAM", "accuracy", "false accepts", "boards", "training data")
    ]
    assert "stapes evaluate measures" in six[2] and "stapes tune measures" in six[3]
    assert "does not say whose" in six[5]
    assert following.startswith("Next: stapes listen") and "--all" in following


@pytest.mark.parametrize("name", shipped_models())
def test_info_says_whose_data_a_shipped_model_was_trained_on(name, capsys):
    assert main(["info", name]) == 0
    assert "its authors must be named" in capsys.readouterr().out
    assert main(["info", name, "--all"]) == 0
    assert f"\ntraining data\n  {shipped_models()[name].card['data']}\n" in capsys.readouterr().out


def test_the_lines_of_a_shipped_model_are_those_of_the_list(capsys):
    assert main(["models"]) == 0
    listed = capsys.readouterr().out
    for name in shipped_models():
        assert main(["info", name]) == 0
        text = capsys.readouterr().out
        (row,) = (line for line in listed.splitlines() if line.split()[0:1] == [name])
        for figure in re.findall(r"[\d.]+ KB|[\d.]+%|[\d.]+ an hour|all .*", row):
            assert figure in text
        assert f"Next: stapes listen {name} " in text


def test_a_models_own_figures_are_shown(tmp_path, small_model, capsys):
    score = {"false_accepts_per_hour": 1.25, "false_reject_rate": 0.1, "duration_ms": 7_200_000}
    settings = ModelSettings(
        name="small",
        labels=("_silence_", "_unknown_", "yes", "no"),
        provenance={
            "int8_accuracy": 0.9876,
            "test_clips": 1234,
            "decoder_tuning": {"tuned_on": score},
        },
    )
    path = tmp_path / "small.tflite"
    path.write_bytes(small_model(settings))
    assert main(["info", str(path)]) == 0
    text = capsys.readouterr().out
    assert "98.8% of 1,234 clips" in text and "1.2 an hour, 10.0% of words missed" in text
    assert "in 2.0 hours of audio that it was tuned with" in text
    settings.provenance["decoder_tuning"]["verified_on"] = None  # as tune writes it
    path.write_bytes(small_model(settings))
    assert main(["info", str(path)]) == 0
    assert capsys.readouterr().out == text
    score["duration_ms"] = 90_000 * 4
    path.write_bytes(small_model(settings))
    assert main(["info", str(path)]) == 0
    assert "in 6 minutes of audio" in capsys.readouterr().out


@pytest.mark.parametrize("number", [10**400, 1e308, -1, float("inf"), float("nan")])
def test_numbers_of_others_that_no_figure_can_have_count_as_none(
    tmp_path, small_model, number, capsys
):
    score = {"false_accepts_per_hour": number, "false_reject_rate": number, "duration_ms": number}
    settings = ModelSettings(
        name="small",
        labels=("_silence_", "_unknown_", "yes", "no"),
        provenance={"int8_accuracy": number, "decoder_tuning": {"tuned_on": score}},
    )
    path = tmp_path / "small.tflite"
    path.write_bytes(small_model(settings))
    assert main(["info", str(path)]) == 0
    assert capsys.readouterr().out.count("not measured") == 2
    assert main(["info", str(path), "--json"]) == 0
    json.loads(capsys.readouterr().out, parse_constant=lambda name: pytest.fail(name))


@pytest.mark.parametrize("odd", [7, "many", [], {"tuned_on": 3}, {"verified_on": {"hours": "x"}}])
def test_odd_figures_of_others_count_as_none(tmp_path, small_model, odd, capsys):
    settings = ModelSettings(
        name="small",
        labels=("_silence_", "_unknown_", "yes", "no"),
        provenance={"int8_accuracy": "good", "test_clips": True, "decoder_tuning": odd},
    )
    path = tmp_path / "small.tflite"
    path.write_bytes(small_model(settings))
    assert main(["info", str(path)]) == 0
    assert capsys.readouterr().out.count("not measured") == 2


def test_it_neither_builds_nor_imports_tensorflow(model):
    program = (
        "import subprocess, sys; from stapes.cli.main import main; subprocess.Popen = None; "
        "main(sys.argv[1:]); print({'tensorflow', 'keras', 'scipy'} & set(sys.modules))"
    )
    run = [sys.executable, "-c", program, "info", str(model)]
    done = subprocess.run(run, capture_output=True, text=True, check=True)
    assert done.stdout.endswith("set()\n")


def test_nested_settings_are_printed_without_brackets_of_python(tmp_path, small_model, capsys):
    settings = ModelSettings(
        name="small",
        labels=("_silence_", "_unknown_", "yes", "no"),
        provenance={
            "clips": {"testing": {"silence": 2, "wanted": 9}},
            "tuned_on": {f"figure_{number}": number for number in range(9)},
            "words": ["yes", "no"],
            "rate": 1 / 3,
        },
    )
    path = tmp_path / "small.tflite"
    path.write_bytes(small_model(settings))
    assert main(["info", str(path), "--all"]) == 0
    rows = dict(
        line.split(maxsplit=1)
        for line in capsys.readouterr().out.splitlines()
        if line.startswith("  ") and len(line.split(maxsplit=1)) == 2
    )
    assert rows["testing"] == "silence 2, wanted 9" and rows["figure_8"] == "8"
    assert rows["words"] == "yes, no" and rows["rate"] == "0.33333"
    assert rows["label_thresholds"] == "none" and rows["retrigger"] == "no"


def test_what_is_not_a_model_is_refused(tmp_path, capsys):
    assert main(["info", str(tmp_path / "missing.tflite")]) == 2
    error = capsys.readouterr().err
    assert "missing.tflite: cannot be read" in error and error.count("\n") == 1


def test_metadata_that_is_cut_short_is_one_line(model, capsys):
    content = model.read_bytes()
    place = content.index(b'{"clip_duration_ms"') - 4  # its length comes first
    model.write_bytes(content[:place] + b"\xff\xff\xff\x7f" + content[place + 4 :])
    assert main(["info", str(model), "--all"]) == 2
    error = capsys.readouterr().err
    assert "damaged or cut short" in error and error.count("\n") == 1


def test_names_of_tensors_may_be_any_bytes(model, capsys):
    model.write_bytes(model.read_bytes().replace(b"hidden", b"\xff\x1b\n\xf0\x80g"))
    assert main(["info", str(model), "--all"]) == 0
    (row,) = (line for line in capsys.readouterr().out.splitlines() if line.endswith("g"))
    assert "activation \ufffd\\u001b\\u000a\ufffd\ufffdg" in row


def test_help_shows_an_example(capsys):
    with pytest.raises(SystemExit):
        main(["info", "--help"])
    assert "stapes info build/yes_no.tflite" in capsys.readouterr().out


def test_a_model_that_contradicts_its_settings_is_refused(tmp_path, small_model, capsys):
    path = tmp_path / "odd.tflite"
    path.write_bytes(small_model(outputs=5))
    assert main(["info", str(path)]) == 2
    assert "odd.tflite: found 5 scores out, expected 4" in capsys.readouterr().err


def test_a_gate_that_no_firmware_can_have_is_refused(tmp_path, small_model, capsys):
    gate = GateSettings(hold_ms=20, replay_inferences=1000)
    labels = ("_silence_", "_unknown_", "yes", "no")
    path = tmp_path / "odd.tflite"
    path.write_bytes(small_model(ModelSettings(name="odd", labels=labels, gate=gate)))
    assert main(["info", str(path)]) == 2
    assert "odd.tflite: hold_ms=20: found a gate that closes before" in capsys.readouterr().err


@pytest.fixture
def report(model, capsys) -> dict:
    """What `stapes info --json` says of the small model."""
    assert main(["info", str(model), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_places_in_memory_that_are_needed_together_do_not_overlap(report):
    plan = report["plan"]
    assert {entry["kind"] for entry in plan} == {"activation", "variable", "scratch"}
    for i, a in enumerate(plan):
        assert a["offset"] + a["bytes"] <= report["arena_bytes"]
        for b in plan[:i]:
            together = a["first"] <= b["last"] and b["first"] <= a["last"]
            apart = (
                a["offset"] + a["bytes"] <= b["offset"] or b["offset"] + b["bytes"] <= a["offset"]
            )
            shared = a["offset"] == b["offset"] and a["kind"] == b["kind"] == "activation"
            assert apart or shared or not together, (a, b)


def test_the_plan_tells_bytes_and_lives_of_tensors(report):
    plan = {entry["name"]: entry for entry in report["plan"] if entry["name"]}
    assert plan["features"]["bytes"] == 40 and plan["features"]["last"] == 0
    assert plan["state"]["bytes"] == 6 * 5 * 2
    assert (plan["state"]["first"], plan["state"]["last"]) == (0, 2)
    assert (plan["hidden"]["first"], plan["hidden"]["last"]) == (0, 1)
    assert plan["state"]["offset"] < report["persistent_bytes"] <= plan["hidden"]["offset"]


def test_the_plan_is_drawn_for_people(model, capsys):
    assert main(["info", str(model), "--all"]) == 0
    text = capsys.readouterr().out
    assert re.search(r"\b6 +0-1 +##\. +activation hidden", text)
    assert "instructions are not measured: --measure" in text


def test_models_of_others_are_described_without_settings(tmp_path, small_model, capsys):
    path = tmp_path / "other.tflite"
    path.write_bytes(small_model(metadata=False))
    assert main(["info", str(path), "--all"]) == 0
    assert "other: no Stapes settings inside" in capsys.readouterr().out
    assert main(["info", str(path)]) == 0
    text = capsys.readouterr().out
    assert "accuracy       not measured\n" in text and "false accepts  not measured\n" in text
    assert f"Next: stapes verify {path}" in text


def test_without_an_emulator_it_says_so(model, monkeypatch, capsys):
    monkeypatch.setattr(shutil, "which", lambda tool, **where: None if "qemu" in tool else tool)
    assert main(["info", str(model), "--measure"]) == 0
    assert "not measured: found no qemu-system-arm" in capsys.readouterr().out


def test_without_the_source_tree_it_says_so(model, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(shutil, "which", lambda tool, **where: tool)
    assert main(["info", str(model), "--measure", "--source_dir", str(tmp_path)]) == 0
    assert "not measured: it takes Stapes' source tree" in capsys.readouterr().out


@pytest.mark.parametrize("board", ["host", "pdp11", "../mps2_an386"])
def test_what_is_no_board_with_memory_is_refused(model, board, capsys):
    assert main(["info", str(model), "--board", board]) == 2
    error = capsys.readouterr().err
    assert f"--board {board}: found no such board" in error and "mps2_an386" in error


needs_compiler = pytest.mark.skipif(
    bool(missing_tools(*MEASURING_TOOLS)), reason="Arm compiler or emulator is not installed"
)


@pytest.fixture
def no_build(monkeypatch):
    """The tools are there, and not used."""
    monkeypatch.setattr(shutil, "which", lambda tool, **where: tool)
    monkeypatch.setattr(subprocess, "run", lambda *words, **options: pytest.fail("ran a tool"))


def test_a_model_larger_than_the_emulated_board_is_not_measured(
    model, small_model, no_build, capsys
):
    model.write_bytes(small_model(memory=400_000))
    assert main(["info", str(model), "--measure"]) == 0
    text = capsys.readouterr().out
    assert re.search(r"not measured: [\d,]+ bytes of model and 4,80[\d,]+ of arena are too", text)
    assert "mps2_an386, which has 4,194,304 of flash and 4,194,304 of RAM" in text


def test_a_model_that_would_take_minutes_is_not_measured(model, no_build, monkeypatch, capsys):
    monkeypatch.setattr(measure, "MAX_MACS", 200)
    assert main(["info", str(model), "--measure"]) == 0
    assert "not measured: 294 MACs would take minutes" in capsys.readouterr().out


@needs_compiler
def test_instructions_and_the_need_of_a_board_are_measured(model, small_model, capsys):
    model.write_bytes(small_model(memory=9000))
    assert main(["info", str(model), "--measure", "--json", "--board", EMULATED_BOARD]) == 0
    report = json.loads(capsys.readouterr().out)
    counted, board = report["instructions"], report["board"]
    assert report["arena_bytes"] > 100_000  # with any size
    assert len(counted["operators"]) == len(report["operators"])
    assert report["macs"] < counted["inference"] < 100 * report["macs"]
    assert sum(counted["operators"]) == pytest.approx(counted["inference"], rel=0.1)
    assert report["model_bytes"] < board["flash_needed"] < board["flash_bytes"]
    assert report["arena_bytes"] < board["ram_needed"] < board["ram_bytes"]
    assert board["fits"]
    (time,) = report["frame_times"]
    assert time["board"] == EMULATED_BOARD and time["instructions"] < time["cycles"]
    assert time["frame_milliseconds"] == 20 and 0 < time["duty"] < 1 and time["battery"] is None


TIMES = {
    name: FrameTime(
        board=name,
        core="cortex-m4",
        manual="a manual",
        clock_hertz=64_000_000,
        instructions=100_000,
        cycles=320_000,
        waits=waits,
        frame_milliseconds=20.0,
    )
    for name, waits in (("nrf52840dk", None), ("stm32f4_discovery", 1_280_000))
}


@pytest.fixture
def times(no_build, monkeypatch):
    """Every board's estimate is one of TIMES; nothing is built."""
    counted = Instructions(
        board="b", inference=9, operators=(3, 3, 3), arena_bytes=1, stack_bytes=1
    )
    monkeypatch.setattr(measure, "count_instructions", lambda *_: counted)
    monkeypatch.setattr(measure, "fit_on_board", lambda *_: Fit(
        board="b", whole_firmware=True, flash_needed=1, flash_bytes=2, ram_needed=1, ram_bytes=2
    ))  # fmt: skip
    monkeypatch.setattr(
        frame_times, "estimate_frame_times", lambda _, boards, __: [TIMES[b.name] for b in boards]
    )


def test_the_time_of_a_frame_is_labelled_as_an_estimate(model, times, capsys):
    assert main(["info", str(model), "--measure", "--board", "nrf52840dk"]) == 0
    text = capsys.readouterr().out
    assert "estimated, for a frame of 20 ms (not measured)" in text
    assert re.search(r"nrf52840dk +100,000 +320,000 +unknown +5.00 +25%$", text, re.M)
    assert "Cycles are those of Arm's manuals: a manual." in text and "Left out: waits for" in text
    assert "nrf52840dk: 823 microamperes asleep (nRF52840 Product Specification" in text


def test_a_battery_lasts_by_the_currents_that_are_given(model, times, capsys):
    own = ["--current_ua_per_mhz", "50", "--sleep_ua", "400", "--battery_mah", "264"]
    assert main(["info", str(model), "--measure", "--board", "nrf52840dk", *own]) == 0
    text = capsys.readouterr().out.replace("\n  ", " ")
    assert "nrf52840dk: 1.10 mA on average, 10.0 days from 264 mAh (at work 50 micro" in text
    assert main(["info", str(model), "--measure", "--json", "--board", "nrf52840dk", *own]) == 0
    battery = json.loads(capsys.readouterr().out)["frame_times"][0]["battery"]
    assert battery["mean_ua"] == pytest.approx(1100) and battery["days"] == pytest.approx(10)


def test_a_board_that_is_too_slow_is_called_so(model, times, capsys):
    assert main(["info", str(model), "--measure", "--board", "stm32f4_discovery"]) == 0
    assert re.search(r" 1,280,000 +25.00 +125% \(too slow\)$", capsys.readouterr().out, re.M)


def test_of_cores_without_a_table_nothing_is_estimated(model, times, capsys):
    assert main(["info", str(model), "--measure", "--board", "rpi_pico2"]) == 0
    assert (
        "milliseconds are not estimated: no manual's table of cycles for the core of rpi_pico2 "
        "(Cortex-M33, 128 MHz): we found no public document with the cycles of each instruction of "
        "cortex-m33" in capsys.readouterr().out
    )


def test_boards_without_an_estimate_are_named_with_the_reason(model, times, monkeypatch, capsys):
    names = ("nrf52840dk", "rpi_pico2", "mps2_an505", "mps3_an547", "qemu_riscv32")
    some = {name: board for name, board in boards.all_boards(SOURCE).items() if name in names}
    monkeypatch.setattr(boards, "all_boards", lambda _: some)
    assert main(["info", str(model), "--measure"]) == 0
    text = capsys.readouterr().out.replace("\n  ", " ")
    assert (
        "No estimate for mps2_an505, rpi_pico2: we found no public document with the cycles of "
        "each instruction of cortex-m33." in text
    )
    assert "No estimate for mps3_an547: we found no public document" in text
    assert "No estimate for qemu_riscv32: there is no table of cycles for a core that is" in text
    assert main(["info", str(model), "--measure", "--json"]) == 0
    assert set(json.loads(capsys.readouterr().out)["boards_without_estimate"]) == set(names[1:])


@pytest.mark.parametrize("value", ["0", "-3", "nan", "much"])
def test_a_current_is_a_positive_number(model, value, capsys):
    assert main(["info", str(model), f"--sleep_ua={value}"]) == 2
    expected = f"--sleep_ua: found {value}, expected a positive number"
    assert expected in capsys.readouterr().err


@needs_compiler
@pytest.mark.parametrize("board", [EMULATED_BOARD, "nrf52840dk"])
def test_of_a_model_of_others_the_engine_alone_is_linked(tmp_path, small_model, board, capsys):
    path = tmp_path / "other.tflite"
    path.write_bytes(small_model(metadata=False, memory=500))
    arguments = ["info", str(path), "--board", board]
    assert main([*arguments, "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    fit = report["board"]
    assert fit["fits"] and not fit["whole_firmware"]
    assert report["model_bytes"] + 10_000 < fit["flash_needed"] < report["model_bytes"] + 40_000
    assert report["arena_bytes"] < fit["ram_needed"] < report["arena_bytes"] + 20_000
    assert main(arguments) == 0
    assert f"fits {board}, with the engine alone: without settings" in capsys.readouterr().out


def test_remedies_fit_the_models_of_others(tmp_path, small_model, capsys):
    path = tmp_path / "other.tflite"
    for content in (small_model(metadata=False), small_model()[:400], b"no model"):
        path.write_bytes(content)
        for command in (["label_wav", "--wav", "a.wav", "--model"], ["emit", "--output_dir", "d"]):
            assert main([*command, str(path)]) == 2
            assert "stapes export" not in capsys.readouterr().err


@needs_compiler
def test_a_model_that_is_too_large_for_a_board_is_told_by_how_much(model, tmp_path, capsys):
    board = tmp_path / "tiny"
    shutil.copytree(SOURCE / "boards" / EMULATED_BOARD, board)
    config = board / "board.cmake"
    text = config.read_text().replace("STAPES_FLASH_BYTES 4194304", "STAPES_FLASH_BYTES 8192")
    config.write_text(text.replace("${CMAKE_CURRENT_LIST_DIR}/..", str(SOURCE / "boards")))
    assert main(["info", str(model), "--board", str(board)]) == 0
    text = capsys.readouterr().out
    assert "does NOT fit tiny" in text
    assert re.search(r"flash +[\d,]+ of +8,192 bytes, [\d,]+ too many", text)
