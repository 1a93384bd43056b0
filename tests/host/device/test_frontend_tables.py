# SPDX-License-Identifier: Apache-2.0
"""Front-end tables: their definitions, their C++ form and their limits."""

from __future__ import annotations

import dataclasses

import jinja2
import numpy as np
import pytest

from stapes import _native
from stapes.device.c_tables import c_context
from stapes.device.tables import build_tables
from stapes.errors import StapesError
from stapes.model.settings import FrontEndSettings, PcenSettings


def test_the_window_is_a_periodic_hann_window() -> None:
    tables = build_tables(FrontEndSettings())
    expected = np.hanning(481)[:241]  # numpy's is symmetric: one more sample makes it periodic
    assert np.allclose(tables.window / 2.0**31, expected, atol=1e-9)


@pytest.mark.parametrize("rate", [8000, 16000, 44100, 48000])
def test_every_bin_between_the_edges_is_in_one_band(rate: int) -> None:
    settings = FrontEndSettings(sample_rate=rate, upper_edge_hertz=rate / 2)
    tables = build_tables(settings)
    assert tables.last_bin == settings.fft_size // 2
    assert tables.first_bin * rate / settings.fft_size >= 20
    assert tables.band_bins.sum() == len(tables.mel_weights)
    # Weights fall within a band and jump up at the next.
    starts = np.cumsum(tables.band_bins)[:-1]
    falls = np.diff(tables.mel_weights.astype(int)) < 0
    inside = np.setdiff1d(np.arange(1, len(tables.mel_weights)), starts)
    assert np.all(falls[inside - 1])


@pytest.mark.parametrize("window", [16, 17, 200, 480, 1102, 4095, 4096])
def test_full_scale_input_fits_32_bits_and_uses_them(window: int) -> None:
    settings = FrontEndSettings(
        sample_rate=48000, window_size_ms=(window + 0.1) / 48, upper_edge_hertz=20000
    )
    tables = build_tables(settings)
    # A bin's doubled magnitude is at most twice the sum of windowed samples.
    most = 2 * (2.0**tables.input_bits) * (tables.window_samples / 2)
    assert 2**29 < most < 2**31


@pytest.mark.parametrize("scale", [1e-4, 0.0123, 0.5, 1.0, 1.999999999999, 200.0])
def test_multiplier_and_shift_are_the_inverse_of_the_scale(scale: float) -> None:
    tables = build_tables(FrontEndSettings(), scale=scale)
    factor = tables.multiplier / 2.0**tables.shift * 2.0**tables.feature_bits
    assert factor == pytest.approx(1 / scale, rel=1e-9)
    assert 2**30 <= tables.multiplier < 2**31


@pytest.mark.parametrize("scale", [0.0, -1.0, float("nan"), float("inf"), 1e-6, 1e12])
def test_a_scale_that_cannot_be_is_refused(scale: float) -> None:
    with pytest.raises(StapesError, match="feature scale"):
        build_tables(FrontEndSettings(), scale=scale)


def test_band_edges_without_a_bin_are_refused() -> None:
    settings = FrontEndSettings(lower_edge_hertz=1001, upper_edge_hertz=1010)
    with pytest.raises(StapesError, match="no FFT bin between them"):
        build_tables(settings)


def test_the_native_module_refuses_tables_that_do_not_fit_together() -> None:
    tables = build_tables(FrontEndSettings())
    for change in (
        {"window": tables.window[:-1]},
        {"twiddles": tables.twiddles[:-1]},
        {"band_bins": tables.band_bins * 2},
        {"last_bin": 300},
        {"shift": 63},
        {"work_bytes": tables.work_bytes - 8},
    ):
        with pytest.raises(ValueError, match="tables"):
            _native.FrontEnd(dataclasses.replace(tables, **change))


def render(settings: FrontEndSettings) -> str:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("stapes.firmware"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    template = environment.get_template("frontend_tables.cc.jinja")
    provenance = {"model_file": "m", "sha256": "0", "command": "test", "version": "0"}
    provenance["namespace"] = "stapes"
    return template.render(**provenance, **c_context(build_tables(settings, zero_point=-7)))


def test_c_tables_hold_every_number_in_the_order_of_the_struct() -> None:
    tables = build_tables(FrontEndSettings(), zero_point=-7)
    text = render(FrontEndSettings())
    body = text.partition("kDct[800] = {")[2].partition("};")[0]
    assert [int(number) for number in body.replace("\n", " ").split(",")[:-1]] == (
        tables.dct.ravel().tolist()
    )
    fields = [line.split("// ")[1] for line in text.splitlines() if ",  // " in line]
    assert fields == [*(field.name for field in dataclasses.fields(tables)), "pcen_stage"]
    assert "    -7,  // zero_point" in text


def test_only_c_tables_of_normalised_energies_name_their_code() -> None:
    log_mel = FrontEndSettings(dct_coefficient_count=0)
    assert "nullptr,  // pcen_stage" in render(log_mel)
    text = render(dataclasses.replace(log_mel, pcen=PcenSettings()))
    assert "PcenMel,  // pcen_stage" in text and "kPcenCurve[257] = {" in text


def test_c_tables_without_a_dct_have_no_empty_array() -> None:
    text = render(FrontEndSettings(dct_coefficient_count=0))
    assert "nullptr,  // dct" in text
    assert "[0]" not in text
