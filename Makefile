# make help lists what there is. VENV and PYTHON can be given; requirement files are the key of what is installed.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

VENV ?= .venv
IMAGE ?= assets/portrait.jpg
AUDIO ?= assets/voice.wav
OUT ?= output/talking.mp4
MODEL ?= mini
EMOTION ?=
SEED ?=
ARGS ?=
export IMAGE AUDIO OUT MODEL EMOTION SEED

# The first interpreter that really starts and is 3.10 to 3.13 (version managers put commands on the path that only print an error).
PYTHON ?= $(shell for p in python3 python3.12 python3.11 python3.13 python3.10; do \
	$$p -c 'import sys, venv, ensurepip; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null && { echo $$p; break; }; done)
PIP := $(VENV)/bin/python -m pip install --disable-pip-version-check --quiet --constraint constraints-tested.txt
key = $(shell cat $(1) | sha256sum | cut -c1-16)
RUN_FILES := requirements.txt constraints-tested.txt
DEV_FILES := $(RUN_FILES) requirements-dev.txt
RUN_STAMP := $(VENV)/.installed-$(call key,$(RUN_FILES))
DEV_STAMP := $(VENV)/.installed-dev-$(call key,$(DEV_FILES))

.PHONY: help animate bench test lint test-half-precision test-comfyui test-web test-browser venv new-venv clean

help:
	@echo "make animate [IMAGE=face.jpg] [AUDIO=speech.wav] [OUT=output/talking.mp4] [EMOTION=happy] [SEED=7] [MODEL=mini] [ARGS='--steps 20']"
	@echo "make bench [ARGS='--suite decode']   (speed and memory of this machine; a quarter of an hour on 2 cores)"
	@echo "make test | lint | test-half-precision | test-comfyui COMFYUI_DIR=... | test-web | test-browser COMFYUI_DIR=... | clean"

animate: $(RUN_STAMP)
	@"$(VENV)/bin/python" -m float_core animate "$$IMAGE" "$$AUDIO" --out "$$OUT" --model "$$MODEL" \
		$(if $(EMOTION),--emotion "$$EMOTION") $(if $(SEED),--seed "$$SEED") $(ARGS)

bench: $(RUN_STAMP)
	@"$(VENV)/bin/python" -m benchmarks $(ARGS)

test: $(DEV_STAMP)
	"$(VENV)/bin/python" -m pytest -n auto --dist worksteal

lint: $(DEV_STAMP)
	"$(VENV)/bin/python" -m ruff check .
	"$(VENV)/bin/python" -m ruff format --check .
	"$(VENV)/bin/python" -m mypy

test-half-precision: $(DEV_STAMP)
	ONEDNN_MAX_CPU_ISA=AVX2 "$(VENV)/bin/python" -m pytest -m half_precision

test-comfyui: $(DEV_STAMP)
	"$(VENV)/bin/python" -m pytest tests/comfyui

test-web:
	node --test tests/web

test-browser: $(DEV_STAMP)
	"$(VENV)/bin/python" -m pytest tests/browser

venv: $(DEV_STAMP)

$(RUN_STAMP):
	@"$(VENV)/bin/python" -m pip --version >/dev/null 2>&1 || $(MAKE) --no-print-directory new-venv
	@echo "Installing torch and the other libraries into $(VENV): several GB, some minutes, once." >&2
	@$(PIP) --requirement requirements.txt
	@touch "$@"

$(DEV_STAMP): $(RUN_STAMP)
	@$(PIP) --requirement requirements.txt --requirement requirements-dev.txt
	@touch "$@"

new-venv:
	@test -n "$(PYTHON)" || { echo "No Python 3.10 to 3.13 with its venv module found. Install one (Debian: python3 and python3-venv), or give PYTHON=..." >&2; exit 1; }
	@"$(PYTHON)" -m venv "$(VENV)"

clean:
	rm -rf .venv output build *.egg-info node.zip .pytest_cache .mypy_cache .ruff_cache
