# SPDX-License-Identifier: Apache-2.0
"""Pictures of sound: their numbers, the files, and the errors if they cannot be drawn."""

from __future__ import annotations

import dataclasses
import io
import shutil
import sys
import warnings
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest
from tones import SAMPLE_RATE, sweep, trained_tones

from stapes.audio.wav import read_wav, write_wav
from stapes.cli.main import main
from stapes.corpus.augment import random_variation, shift_in_time
from stapes.corpus.augment_settings import AugmentSettings
from stapes.device.bundle import ModelBundle
from stapes.device.pipeline import Pipeline
from stapes.errors import StapesError
from stapes.model.settings import DecoderSettings, FrontEndSettings
from stapes.pictures import figures, spectrogram
from stapes.pictures.spectrogram import (
    DeviceView,
    SpectrogramSettings,
    drawing_png,
    magnitudes,
    pixels,
    plain_png,
)

DOCS = Path(__file__).parents[3] / "docs"
CLIP = sweep(400, 1600, seed=1)


@pytest.fixture
def wav(tmp_path) -> Path:
    write_wav(tmp_path / "up.wav", CLIP, sample_rate=SAMPLE_RATE)
    return tmp_path / "up.wav"


def picture(content: bytes) -> np.ndarray:
    """float32 [height, width, channels], 0 to 1."""
    return matplotlib.image.imread(io.BytesIO(content))


@pytest.mark.parametrize(("window", "stride"), [(256, 128), (400, 100), (1000, 1500)])
def test_magnitudes_are_those_of_tensorflow(window, stride):
    import tensorflow as tf

    found = magnitudes(CLIP, SpectrogramSettings(window_size=window, stride=stride))
    sound = (CLIP[:, None] / 32768).astype(np.float32)
    expected = tf.raw_ops.AudioSpectrogram(input=sound, window_size=window, stride=stride)[0]
    np.testing.assert_allclose(found, expected.numpy(), atol=1e-4)


def test_brightness_saturates_and_does_not_wrap():
    assert pixels(np.array([0.0, 1.0, 3.9, 4.0, 1e9]), 64).tolist() == [0, 64, 249, 255, 255]


def test_the_plain_picture_has_a_pixel_for_every_value():
    settings = SpectrogramSettings(brightness=30)
    found = picture(plain_png(CLIP, settings))
    expected = pixels(magnitudes(CLIP, settings), 30)
    assert found.shape[:2] == expected.shape == (1 + (8000 - 256) // 128, 129)
    np.testing.assert_array_equal(np.rint(found * 255), expected)


def test_the_drawing_shows_the_features_that_the_firmware_computes():
    settings = FrontEndSettings(sample_rate=SAMPLE_RATE, channel_count=20, dct_coefficient_count=0)
    view = DeviceView.for_samples(settings, CLIP)
    assert view.features(CLIP).shape == (settings.frame_count(len(CLIP)), 20)
    loud = picture(drawing_png(CLIP, SpectrogramSettings(), view))
    quiet = picture(drawing_png(CLIP // 8, SpectrogramSettings(), view))
    assert loud.shape == quiet.shape and np.abs(loud - quiet).max() > 0.2


@pytest.fixture
def drawing(monkeypatch):
    """Draws; returns the pictures of the figure, from top to bottom."""
    kept = []
    monkeypatch.setattr(
        spectrogram, "png_bytes", lambda figure, **options: kept.append(figure) or b"png"
    )

    def draw(samples, settings, bundle=None, **options):
        view = DeviceView.for_samples(settings, samples)
        drawing_png(samples, SpectrogramSettings(**options), view, bundle)
        return kept[-1].axes

    return draw


def test_the_spectrogram_is_in_decibels_of_full_scale(drawing):
    settings = FrontEndSettings(sample_rate=SAMPLE_RATE)
    time = np.arange(SAMPLE_RATE) / SAMPLE_RATE
    for amplitude, title in ((32767, "-80 to 0 dB"), (32767 / 100, "-120 to -40 dB")):
        tone = (amplitude * np.sin(2 * np.pi * 1000 * time)).astype(np.int16)
        _, spectrum, _ = drawing(tone, settings)
        (image,) = spectrum.images
        row = image.get_array().max(axis=1).argmax()
        assert row == 1000 * 256 // SAMPLE_RATE
        assert image.get_array().max() == pytest.approx(20 * np.log10(amplitude / 32767), abs=0.2)
        assert title in spectrum.get_title() and spectrum.get_ylabel() == "Hz"
    _, brighter, _ = drawing(tone, settings, brightness=640)
    assert "-140 to -60 dB" in brighter.get_title()


@pytest.mark.parametrize("hertz", [250, 1000, 2000])
def test_the_mel_axis_has_hertz_where_a_tone_of_so_many_is_loudest(drawing, hertz):
    settings = FrontEndSettings(sample_rate=SAMPLE_RATE, channel_count=20, dct_coefficient_count=0)
    tone = 9000 * np.sin(2 * np.pi * hertz * np.arange(SAMPLE_RATE) / SAMPLE_RATE)
    *_, device = drawing(tone.astype(np.int16), settings)
    assert device.get_ylabel() == "Hz (mel scale)"
    ticks = zip(device.get_yticks(), device.get_yticklabels(), strict=True)
    (place,) = (tick for tick, label in ticks if label.get_text() == str(hertz))
    loudest = device.images[0].get_array().astype(int).sum(axis=1).argmax()
    assert abs(place - (loudest + 0.5)) <= 1


def test_coefficients_have_no_hertz(drawing):
    *_, device = drawing(CLIP, FrontEndSettings(sample_rate=SAMPLE_RATE))
    assert device.get_ylabel() == "coefficient"


def test_with_a_model_scores_and_detected_words_are_drawn(drawing):
    trained = trained_tones()
    quick = DecoderSettings(average_window_duration_ms=100, minimum_count=1)
    bundle = ModelBundle.from_file(trained.model)
    bundle = dataclasses.replace(
        bundle, settings=dataclasses.replace(bundle.settings, decoder=quick)
    )
    clip = np.tile(read_wav(next((trained.data_dir / "up").iterdir())), 3)
    rows = drawing(clip, bundle.settings.front_end, bundle)
    trace = Pipeline(bundle).process(clip)
    assert len(rows) == 4 and rows[3].get_xlabel() == "seconds"
    assert trace.detections
    marks = [line.get_xdata()[0] for line in rows[1].lines]
    assert marks == [found.time_ms / 1000 for found in trace.detections]
    assert [text.get_text() for text in rows[3].texts] == [
        found.label for found in trace.detections
    ]
    silence = drawing(np.zeros_like(clip), bundle.settings.front_end, bundle)
    assert "no word is detected (highest: " in silence[3].get_title()


def test_with_a_model_the_features_are_those_of_its_pipeline(tmp_path, monkeypatch):
    trained = trained_tones()
    clip = next((trained.data_dir / "up").iterdir())
    drawn = []
    monkeypatch.setattr(
        "stapes.pictures.spectrogram.drawing_png",
        lambda samples, settings, view, bundle: drawn.append(view.features(samples)) or b"png",
    )
    output = ["--output_image", str(tmp_path / "a.png")]
    assert main(["spectrogram", str(clip), "--model", str(trained.model), *output]) == 0
    expected = Pipeline.from_file(trained.model).process(read_wav(clip)).inputs
    np.testing.assert_array_equal(drawn[0], expected)


def test_the_command_writes_a_picture_of_a_part(wav, tmp_path, capsys):
    output = tmp_path / "a.png"
    flags = ["--sample_rate", str(SAMPLE_RATE), "--output_image", str(output)]
    part = ["--start_seconds", "0.5", "--seconds", "0.25"]
    assert main(["spectrogram", str(wav), *flags, *part]) == 0
    assert capsys.readouterr().out == f"{output}: 0.25 s of {wav}\n"
    assert picture(output.read_bytes()).shape == (700, 900, 4)
    assert main(["spectrogram", str(wav), *flags, "--plain"]) == 0
    assert picture(output.read_bytes()).shape[:2] == (61, 129)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--sample_rate", "16000"], "found 8000 Hz, expected 16000 Hz"),
        (["--window_size", "9000"], "--window_size=9000: found 8000 samples"),
        (["--window_size", "1"], "--window_size=1: expected 2 to 65536"),
        (["--brightness", "0"], "--brightness=0: expected above 0"),
        (["--start_seconds", "1"], "--start_seconds=1: found 1.00 s of audio"),
        (["--output_image", "/no/such/folder/a.png"], "cannot be written"),
    ],
)
def test_what_does_not_fit_is_one_line_and_no_file(wav, tmp_path, capsys, flags, message):
    default = ["--sample_rate", str(SAMPLE_RATE), "--output_image", str(tmp_path / "a.png")]
    assert main(["spectrogram", str(wav), *default, *flags]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "a.png").exists()


def test_the_picture_is_not_written_over_the_recording(wav, capsys):
    before = wav.read_bytes()
    assert main(["spectrogram", str(wav), "--sample_rate", "8000", "--output_image", str(wav)]) == 2
    assert "found an input of this command" in capsys.readouterr().err
    assert wav.read_bytes() == before


@pytest.mark.parametrize("module", ["matplotlib.figure", "PIL"])
def test_a_missing_matplotlib_is_said_with_how_to_install_it(monkeypatch, module):
    monkeypatch.setitem(sys.modules, module, None)
    view = DeviceView.for_samples(FrontEndSettings(sample_rate=SAMPLE_RATE), CLIP)
    with pytest.raises(StapesError, match=r"matplotlib: .*pip install 'stapes\[plot\]'"):
        plain_png(CLIP, SpectrogramSettings())
        drawing_png(CLIP, SpectrogramSettings(), view)


# ---- the gallery


@pytest.fixture(scope="module")
def gallery(tmp_path_factory) -> Path:
    """The gallery of the clip, with sounds."""
    folder = tmp_path_factory.mktemp("gallery")
    write_wav(folder / "clip.wav", CLIP, sample_rate=SAMPLE_RATE)
    flags = ["--sample_rate", str(SAMPLE_RATE), "--audio", "--output_dir", str(folder / "g")]
    assert main(["data", "augment", str(folder / "clip.wav"), *flags]) == 0
    return folder / "g"


def test_the_gallery_draws_and_writes_every_variation(gallery):
    assert len(list(gallery.glob("*.png"))) == 14
    assert len(list(gallery.glob("*.wav"))) == 12, "masks make no sound"
    shifted = read_wav(gallery / "time_shift_ms.wav", sample_rate=SAMPLE_RATE)
    shifts = range(-1200, 1201)  # samples in 150 ms
    assert any(shifted.tolist() == shift_in_time(CLIP, shift).tolist() for shift in shifts)
    before, after = (
        picture((gallery / f"{name}.png").read_bytes()) for name in ("gain_db", "reverb_ms")
    )
    assert before.shape == after.shape and not np.array_equal(before, after)


@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="needs espeak-ng")
def test_without_a_recording_the_gallery_speaks_one_and_follows_its_seed(tmp_path, monkeypatch):
    monkeypatch.setattr("stapes.pictures.gallery.draw_variation", lambda *_: b"png")

    def said(name: str, *flags: str) -> dict[str, bytes]:
        folder = ["--output_dir", str(tmp_path / name)]
        assert main(["data", "augment", "--audio", *folder, *flags]) == 0
        return {path.stem: path.read_bytes() for path in (tmp_path / name).glob("*.wav")}

    first, second, other = said("a"), said("b"), said("c", "--seed", "1")
    assert first == second
    assert first["gain_db"] != other["gain_db"] and first["reverb_ms"] != other["reverb_ms"]


def test_the_gallery_shows_what_training_draws_with_one_setting_alone(gallery):
    shown = read_wav(gallery / "clipping_db.wav", sample_rate=SAMPLE_RATE)
    settings = AugmentSettings(
        clipping_db=24, augment_frequency=1, time_shift_ms=0, background_volume=0
    )
    drawn = [
        random_variation(
            CLIP,
            [],
            settings,
            sample_rate=SAMPLE_RATE,
            generator=np.random.default_rng([0, number]),
        )
        for number in range(6)
    ]
    assert any(shown.tolist() == varied.tolist() for varied in drawn)


def test_an_existing_folder_is_not_touched(wav, tmp_path, capsys):
    (tmp_path / "g").mkdir()
    (tmp_path / "g" / "mine").touch()
    flags = ["--sample_rate", str(SAMPLE_RATE), "--output_dir", str(tmp_path / "g")]
    assert main(["data", "augment", str(wav), *flags]) == 2
    assert "exists already" in capsys.readouterr().err


@pytest.mark.parametrize(
    "flag", ["--clip_duration_ms=0", "--clip_duration_ms=99999999999", "--seed=-1"]
)
def test_a_gallery_of_numbers_that_make_no_sense_is_refused(wav, tmp_path, capsys, flag):
    flags = ["--sample_rate", str(SAMPLE_RATE), "--output_dir", str(tmp_path / "g")]
    assert main(["data", "augment", str(wav), *flags, flag]) == 2
    error = capsys.readouterr().err
    assert f"{flag}: expected" in error and error.count("\n") == 1


def test_the_docs_show_every_flag_in_a_small_picture():
    text = (DOCS / "augmentation.md").read_text()
    settings = {entry.name for entry in dataclasses.fields(AugmentSettings)}
    assert all(f"--{name}" in text for name in settings)
    pictures = {path.stem for path in (DOCS / "augmentation").glob("*.png")}
    assert pictures == settings - {"background_frequency", "augment_frequency"}
    for name in pictures:
        assert f"(augmentation/{name}.png)" in text
        assert (DOCS / "augmentation" / f"{name}.png").stat().st_size < 150_000


def test_labels_in_any_script_are_drawn_without_a_warning(recwarn):
    figure = figures.new_figure(4, 3)
    axes = figure.subplots()
    axes.set_title("はい")
    axes.set_xticks([0, 1], ["да", "ነጭ"])
    assert figures.png_bytes(figure).startswith(b"\x89PNG")
    assert list(recwarn) == []


def test_a_font_that_has_the_glyphs_is_added(monkeypatch):
    monkeypatch.setattr(figures, "fonts_with", lambda characters: [f"{len(characters)} glyphs"])
    figure = figures.new_figure(4, 3)
    figure.text(0, 0, "はい yes")
    figure.text(0, 0, "Straße")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        figures.use_fonts_that_fit(figure)
    families = [text.get_fontfamily() for text in figure.texts]
    assert families == [["sans-serif", "2 glyphs"], ["sans-serif"]]
