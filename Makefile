# The two commands that set everything up:
#   make demo    the whole path on a small scale, with a report (build/demo/report.json)
#   make test    every test: firmware (plain, sanitized, fuzzed), host, emulated boards
# Others: setup, lock, sbom, lint, format, stub, docs, coverage, bench, clean. Variables: PYTHON, VENV, EXTRAS, BUILD, DEMO_FLAGS, PYTEST_FLAGS.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
# One thing after the other, but for the checks of `make test` that keep one processor busy at most.
ifndef SIDE_BY_SIDE
.NOTPARALLEL:
endif
.PHONY: help setup system lock sbom demo test test-checks test-firmware test-unit test-sanitized test-fuzz \
  test-host lint lint-python lint-cpp lint-web host-build format stub docs coverage bench clean

PYTHON ?= python3
VENV ?= .venv
BUILD ?= build
DEMO_FLAGS ?=
SBOM_FLAGS ?= --validate
# The extras that `make setup` installs, in the versions and with the hashes of requirements.lock.
LOCKED := train audio plot page record dev docs
# More extras of pyproject.toml, separated by commas: make setup EXTRAS=flash. What the lock names
# keeps its version; what it does not name comes in its newest version, and without a known hash.
EXTRAS ?=
# Tests in one process more than there are processors, because some wait for a microphone or a
# board; in four at most, because each loads TensorFlow.
PROCESSORS := $(shell getconf _NPROCESSORS_ONLN)
PYTEST_FLAGS ?= -q -n $$(( $(PROCESSORS) < 3 ? $(PROCESSORS) + 1 : 4 )) --dist loadfile --no-loadscope-reorder
# What was compiled once is not compiled again for another board with the same core.
ifneq ($(shell command -v ccache),)
export CMAKE_C_COMPILER_LAUNCHER ?= ccache
export CMAKE_CXX_COMPILER_LAUNCHER ?= ccache
export CCACHE_DIR ?= $(abspath $(BUILD))/ccache
export CCACHE_NOHASHDIR ?= 1
endif

# A command, and the Debian package that brings it.
TOOLS := cmake:cmake ninja:ninja-build g++:g++ git:git arm-none-eabi-g++:gcc-arm-none-eabi \
         qemu-system-arm:qemu-system-arm riscv64-unknown-elf-g++:gcc-riscv64-unknown-elf \
         qemu-system-riscv32:qemu-system-misc espeak-ng:espeak-ng clang++:clang wasm-ld:lld \
         node:nodejs npm:npm chromium:chromium ccache:ccache
# What pip compiles into the Python package.
NATIVE := pyproject.toml CMakeLists.txt \
          $(shell find firmware host/native boards/web -name '*.cc' -o -name '*.h' -o -name '*.cmake' \
            -o -name CMakeLists.txt)
NODE_FOLDERS := boards/web tests/board/rp2040js
INSTALLED_NODE_FOLDERS := $(NODE_FOLDERS:%=%/node_modules/.installed)
CPP_FILES = find firmware boards host/native tests bench \( -name '*.cc' -o -name '*.h' \) -print0

help:
	@sed -n '/^#/!q; s/^# \{0,1\}//p' Makefile

# The demo does without clang.
ifneq ($(filter setup test test-fuzz,$(MAKECMDGOALS)),)
MISSING_FOR_FUZZING := \
  echo 'extern "C" int LLVMFuzzerTestOneInput(const char *, long) { return 0; }' \
  | clang++ -x c++ -fsanitize=fuzzer,address -o /dev/null - >/dev/null 2>&1 \
  || echo clang libclang-rt-14-dev;
endif

# Prints the Debian packages that this machine lacks.
define MISSING
for tool in $(TOOLS); do \
  command -v "$${tool%%:*}" >/dev/null || echo "$${tool#*:}"; \
done; \
echo '#include <doctest/doctest.h>' | g++ -x c++ -fsyntax-only - 2>/dev/null || echo doctest-dev; \
$(MISSING_FOR_FUZZING)\
echo '#include <cstring>' | clang++ --target=wasm32-wasi -x c++ -nostartfiles -Wl,--no-entry \
  -o /dev/null - 2>/dev/null || echo wasi-libc libc++-14-dev-wasm32 libclang-rt-14-dev-wasm32; \
echo '#include <cstdint>' | arm-none-eabi-g++ -x c++ -fsyntax-only - 2>/dev/null \
  || echo libnewlib-arm-none-eabi libstdc++-arm-none-eabi-newlib; \
echo '#include <stdint.h>' | riscv64-unknown-elf-gcc --specs=picolibc.specs -x c -fsyntax-only - \
  2>/dev/null || echo picolibc-riscv64-unknown-elf; \
if ! command -v $(PYTHON) >/dev/null; then echo python3 python3-venv python3-dev; else \
  $(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || echo python3-venv; \
  $(PYTHON) -c 'import os, sysconfig; os.stat(sysconfig.get_path("include") + "/Python.h")' \
    2>/dev/null || echo python3-dev; \
fi
endef

system:
	@missing=$$({ $(MISSING); } | xargs); \
	if [[ -n "$$missing" && $$(id -u) == 0 ]] && command -v apt-get >/dev/null; then \
	  echo "setup: installing $$missing (takes some minutes)"; \
	  apt-get update -qq; \
	  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing \
	    >/dev/null; \
	  missing=$$({ $(MISSING); } | xargs); \
	fi; \
	if [[ -n "$$missing" ]]; then \
	  echo "setup: missing; run as root: apt-get install $$missing" >&2; exit 1; \
	fi
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "setup: $$($(PYTHON) --version) found, 3.11 or newer expected; pass PYTHON=" >&2; \
	  exit 1; }

setup: system $(VENV)/.installed
ifneq ($(filter setup,$(MAKECMDGOALS)),)
	@echo "setup: done. Next: . $(VENV)/bin/activate"
endif

$(VENV)/bin/pip:
	@echo "setup: making $(VENV) (takes a minute)"
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.locked: requirements.lock | $(VENV)/bin/pip
	@echo "setup: installing what requirements.lock names (takes some minutes)"
	@$(VENV)/bin/pip install -qq --disable-pip-version-check --require-hashes -r requirements.lock
	@touch $@

# Extras that are asked for are installed whatever was installed before.
ifneq ($(EXTRAS),)
.PHONY: $(VENV)/.installed
endif
$(VENV)/.installed: $(VENV)/.locked $(NATIVE)
	@echo "setup: compiling stapes._native (takes some minutes)"
	@$(VENV)/bin/pip install -qq --disable-pip-version-check --no-deps --no-build-isolation -e .
ifneq ($(EXTRAS),)
	@echo "setup: installing $(EXTRAS) (requirements.lock does not name all of it: newest versions, no hashes)"
	@sed -n 's/^\([A-Za-z0-9][^\\]*[^ \\]\) *\\$$/\1/p' requirements.lock >$(VENV)/constraints.txt
	@$(VENV)/bin/pip install -qq --disable-pip-version-check --no-build-isolation \
	  -c $(VENV)/constraints.txt -e '.[$(EXTRAS)]'
endif
	@touch $@

# Writes the lock anew: the newest versions within the bounds of pyproject.toml, for all systems and
# every Python from 3.11 on. It names no registry: pip takes the one that it is configured with.
lock: setup
	@UV_CUSTOM_COMPILE_COMMAND="make lock" $(VENV)/bin/python -m uv pip compile --quiet --upgrade --universal \
	  --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
	  $(addprefix --extra ,$(LOCKED)) pyproject.toml --output-file requirements.lock

# What is installed, with licences and dependencies, as a bill of materials: CycloneDX 1.6, JSON.
sbom: setup
	@mkdir -p $(BUILD)
	@$(VENV)/bin/python -W ignore -m cyclonedx_py environment $(VENV)/bin/python --pyproject pyproject.toml \
	  --mc-type library --spec-version 1.6 --output-format JSON --output-reproducible \
	  $(SBOM_FLAGS) --output-file $(BUILD)/sbom.json

demo: setup
	@PATH="$(abspath $(VENV))/bin:$$PATH" $(VENV)/bin/stapes demo --work_dir $(BUILD)/demo $(DEMO_FLAGS)

# pytest builds on what test-sanitized has compiled; all else runs beside it.
test: setup
	@$(MAKE) --no-print-directory -j2 SIDE_BY_SIDE=1 test-host test-checks

test-checks: test-sanitized $(INSTALLED_NODE_FOLDERS)
	@$(MAKE) --no-print-directory --output-sync=target SIDE_BY_SIDE= test-fuzz test-unit docs lint

lint: lint-python lint-cpp lint-web

lint-python: setup
	@$(VENV)/bin/ruff check --quiet .
	@$(VENV)/bin/ruff format --quiet --check .
	@found=$$($(VENV)/bin/lint-imports --no-logo --cache-dir $(BUILD)/import_linter) || \
	  { echo "$$found"; exit 1; }
	@$(VENV)/bin/mypy --no-error-summary

lint-cpp: host-build $(BUILD)/native.tidy
	@$(CPP_FILES) | xargs -0 $(VENV)/bin/clang-format --dry-run --Werror

lint-web: setup boards/web/node_modules/.installed
	@cd boards/web && npm run --silent lint

# What checks the page's modules, and axe-core for its tests; the emulator of tests/board.
$(INSTALLED_NODE_FOLDERS): %/node_modules/.installed: %/package.json %/package-lock.json
	@cd $* && npm ci --silent
	@touch $@

# Writes what the two checks of the format want.
format: setup
	@$(VENV)/bin/ruff format --quiet .
	@$(CPP_FILES) | xargs -0 $(VENV)/bin/clang-format -i

# The documentation as a site, in build/site; a broken link is an error.
docs: setup
	@NO_MKDOCS_2_WARNING=1 $(VENV)/bin/python -m mkdocs build --quiet --strict --site-dir $(BUILD)/site

# Writes the types of the compiled module anew, after a change to host/native.
stub: setup
	@$(VENV)/bin/python -m nanobind.stubgen -q -m stapes._native -o host/stapes/_native.pyi

# The build for this machine runs clang-tidy on every file that it compiles, so that only what
# changed costs time.
$(BUILD)/host/.configured: .clang-tidy | $(VENV)/.installed
	@rm -rf $(BUILD)/host
	@$(VENV)/bin/stapes emit models/micro/model.tflite --output_dir $(BUILD)/host_model >/dev/null
	@cmake -S . -B $(BUILD)/host -G Ninja -DSTAPES_MODEL=$(abspath $(BUILD))/host_model \
	  -DCMAKE_CXX_CLANG_TIDY="$(abspath $(VENV))/bin/clang-tidy;--quiet" >/dev/null
	@touch $@

host-build: setup $(BUILD)/host/.configured
	@cmake --build $(BUILD)/host -- --quiet

# What pip compiles for Python alone.
$(BUILD)/native.tidy: .clang-tidy host/native/.clang-tidy $(NATIVE) | $(VENV)/.installed
	@printf '%s\n' host/native/*.cc | xargs -P 2 -I{} $(VENV)/bin/clang-tidy --quiet {} -- \
	  $$($(VENV)/bin/python -c 'import nanobind, sysconfig; print( \
	    *(f"-isystem{path}" for path in (nanobind.include_dir(), sysconfig.get_path("include"))))') \
	  -std=c++17 -Ifirmware -I. 2> >(grep -v 'warnings generated' >&2)
	@touch $@

test-firmware: test-unit test-sanitized

test-unit: host-build
	@ctest --test-dir $(BUILD)/host -j2 --output-on-failure

test-sanitized: setup
	@cmake -S . -B $(BUILD)/sanitize -G Ninja -DSTAPES_SANITIZE=ON \
	  -DCMAKE_BUILD_TYPE=RelWithDebInfo >/dev/null
	@cmake --build $(BUILD)/sanitize -- --quiet
	@ctest --test-dir $(BUILD)/sanitize -j2 --output-on-failure

test-fuzz: setup
	@cmake -S . -B $(BUILD)/fuzz -G Ninja -DSTAPES_FUZZ=ON -DCMAKE_BUILD_TYPE=RelWithDebInfo \
	  -DCMAKE_C_COMPILER=clang -DCMAKE_CXX_COMPILER=clang++ >/dev/null
	@cmake --build $(BUILD)/fuzz -- --quiet
	@$(VENV)/bin/python tests/fuzz/make_corpus.py $(BUILD)/fuzz/corpus
	@ctest --test-dir $(BUILD)/fuzz -j2 --output-on-failure

# Tests call make, which is to know nothing of this one.
test-host: test-sanitized $(INSTALLED_NODE_FOLDERS)
	@env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL PATH="$(abspath $(VENV))/bin:$$PATH" \
	  $(VENV)/bin/python -m pytest $(PYTEST_FLAGS)

# Which lines the tests reach: of the package, those of pytest; of the firmware, those of its unit
# tests and of pytest, for which stapes._native is compiled to count them. `make setup` compiles the
# usual one again.
COVERAGE := $(BUILD)/coverage
coverage: setup
	@cmake -S . -B $(COVERAGE)/unit -G Ninja -DSTAPES_COVERAGE=ON -DCMAKE_BUILD_TYPE=Debug >/dev/null
	@cmake --build $(COVERAGE)/unit -- --quiet
	@rm -f $(VENV)/.installed
	@$(VENV)/bin/pip install -qq --disable-pip-version-check --no-build-isolation --no-deps -e . \
	  --config-settings=build-dir=$(COVERAGE)/native \
	  --config-settings=cmake.define.STAPES_COVERAGE=ON
	@find $(COVERAGE) -name '*.gcda' -delete
	@ctest --test-dir $(COVERAGE)/unit --output-on-failure
	@PATH="$(abspath $(VENV))/bin:$$PATH" $(VENV)/bin/python -m pytest $(PYTEST_FLAGS) \
	  --cov=stapes --cov-report=
	@$(VENV)/bin/coverage html --quiet --directory=$(COVERAGE)/python
	@echo "Python: $$($(VENV)/bin/coverage report --format=total)% of lines and branches" \
	  "($(COVERAGE)/python/index.html)"
	@echo "Firmware: $$($(VENV)/bin/gcovr --root . --filter firmware/ \
	  --html-details $(COVERAGE)/firmware.html --print-summary $(COVERAGE)/unit $(COVERAGE)/native \
	  | sed -n 's/^lines: *//p') of lines ($(COVERAGE)/firmware.html)"

bench: setup
	@for program in $(filter-out $(addprefix bench/,quantization.py gate.py word_on_people.py),$(wildcard bench/*.py)); do \
	  echo "== $$program"; $(VENV)/bin/python "$$program"; \
	done

clean:
	rm -rf $(BUILD) $(VENV)
