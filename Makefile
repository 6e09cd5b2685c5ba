# The commands people type. `make help` lists them; CMakePresets.json has the builds behind them.
MODEL ?= smollm2-135m
PROMPT ?= Why is the sky blue?
# .deps has a pip, which the system's Python may lack.
PULL = PATH="$(CURDIR)/.deps/bin:$$PATH" build/release/cli/engine pull
SOURCES = git ls-files -- '*.cc' '*.h'

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help setup run build test test-full bench compare format lint clean

help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## /\1: /p' $(MAKEFILE_LIST) | awk -F': ' '{printf "  make %-10s %s\n", $$1, $$2}'

setup: ## install what building and testing need (apt, and oneDNN into .deps)
	scripts/setup run test

run: ## build, fetch a small model and answer a question (MODEL=..., PROMPT="...")
	scripts/setup run
	cmake --preset release
	cmake --build --preset release --target engine
	$(PULL) $(MODEL)
	build/release/cli/engine run $(MODEL) -p "$(PROMPT)" --max-tokens 400

build: ## build everything for release, into build/release
	cmake --preset release
	cmake --build --preset release

# One ctest run over both builds, so that its summary counts every test.
define run_ctest
printf 'subdirs(%s)\n' $(1) > build/CTestTestfile.cmake
ctest --test-dir build --parallel 2 --output-on-failure --no-tests=error $(2)
endef

test: setup build ## build, run the tests but the long ones, then parsers, runtime and tiny models under ASan and UBSan
	cmake --preset asan
	cmake --build --preset asan
	$(call run_ctest,release asan,-LE full)

test-full: setup build ## every test: make test, the long ones, and ThreadSanitizer
	scripts/setup run test full
	cmake --preset asan
	cmake --build --preset asan
	cmake --preset tsan
	cmake --build --preset tsan
	$(call run_ctest,release asan tsan)

bench: setup build ## measure speed against the machine's roof (MODEL=...)
	$(PULL) $(MODEL)
	build/release/cli/engine bench $(MODEL)

compare: setup build ## measure beside llama.cpp and OpenVINO, installed for it; writes docs/benchmarks
	python3 benchmarks/compare/compare.py

format: ## format our C++ files in place
	scripts/setup lint
	$(SOURCES) | xargs clang-format-19 -i

lint: ## check formatting, then clang-tidy over our code
	scripts/setup run test lint
	$(SOURCES) | xargs clang-format-19 --dry-run --Werror
	cmake --preset release
	run-clang-tidy-19 -quiet -p build/release '^$(CURDIR)/(backends|benchmarks|cli|core|engine|models|ops|server|text|tests)/'

clean: ## remove the builds; .deps stays
	rm -rf build
