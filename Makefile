# libcflowad. On a fresh Debian machine with a Swift toolchain, `make demo` and `make test` do all their own set-up.

# The header's, as everybody's: MAJOR.MINOR.PATCH.
VERSION := $(shell awk '/define CFLOWAD_VERSION_(MAJOR|MINOR|PATCH)/ {printf dot $$3; dot = "."}' include/cflowad.h)
SONAME  := libcflowad.so.$(firstword $(subst ., ,$(VERSION)))
LIBRARY := build/lib/libcflowad.so.$(VERSION)
TOOL    := build/bin/cflowad
VENV    := .venv
PREFIX  ?= /usr/local
LIBDIR  ?= lib

# The library and the tool carry the Swift runtime, so that a host needs none; tests do not, and build apart.
STATIC := -Xswiftc -static-stdlib -Xswiftc -use-ld=lld -Xlinker --gc-sections
# Both carry an HDF5 of their own too, whatever the host has loaded. They have no debug information, which takes time to build and
# nobody reads, and no hashes of the compiler's input for its next run: these hold paths, and stay in a stripped library, so that
# another folder would give other bytes.
BUILD := PKG_CONFIG_PATH=$(CURDIR)/packaging/hdf5 swift build --configuration release --scratch-path .build-lib \
  -debug-info-format none -Xswiftc -Xfrontend -Xswiftc -disable-incremental-llvm-codegen
# What stands between the shared library and malloc (Sources/Libraries/Reserve) or the C library's streams
# (Sources/Libraries/HDF5/Shim/streams.c). The long names are C++'s operators new and delete.
WRAPPED := malloc calloc realloc free posix_memalign malloc_usable_size stderr stdout \
  _Znwm _ZnwmSt11align_val_t _ZdlPvm _ZdlPvmSt11align_val_t
TESTED := --configuration release --scratch-path .build-test -Xswiftc -enable-testing
# What the two are linked by; make dist links the same objects once more, for other systems (packaging/dist.mk).
# The C library's functions are bound when the library is loaded (-znow): bound at their first call, that call would take some
# kilobytes of what may be a small stack.
LINK_LIBRARY := --product CFlowAD $(STATIC) \
  -Xlinker -soname=$(SONAME) -Xlinker --version-script=Sources/CFlowAD/exports.map \
  -Xlinker -znodelete -Xlinker -znow -Xlinker --strip-all $(WRAPPED:%=-Xlinker --wrap=%)
LINK_TOOL := --product cflowad $(STATIC)
BENCHMARK := CFLOWAD_LIBRARY=$(LIBRARY) $(VENV)/bin/python -W ignore benchmarks

.PHONY: all lib tool install uninstall test cluster-test serve-test examples tsan asan coverage mutants faults soak fuzz guest \
  fidelity demo docs pictures lint format bench microkernels quality check-version clean packages requirements

all: lib tool man

# One after the other as they are listed: packages before what is built with them. SwiftPM uses all processors by itself.
.NOTPARALLEL:

packages:
	@.ci/install-packages

# `make && sudo make install` installs nothing that was not asked for: it says which packages are missing. Other targets set up all
# that they need.
requirements:
	@.ci/install-packages --check

# --------------------------------------------------------------------------------------------------------------- build

# The shared library: only cflowad_* symbols outside, never unloaded (a runtime cannot be).
lib: requirements
	$(BUILD) $(LINK_LIBRARY)
	@# Code for AVX2 and AVX-512 must not be shared with the baseline: no function of these builds may lack the module's
	@# name.
	@for variant in AVX2 AVX512 QuantizedAVXVNNI QuantizedAVX512VNNI QuantizedAMX; do module=Kernels$$variant; \
	  ! nm --defined-only .build-lib/release/$$module.build/*.o | grep ' [TWu] ' | grep -v $${#module}$$module || exit 1; \
	done
	@# The same bytes come of every folder only if the library holds the path of no file that it was built from. The folder's own
	@# name would not do: libhdf5 has a harmless "../src/" in it, and many a clone lies in /src.
	@if grep --fixed-strings --text --only-matching -e '$(CURDIR)/Sources/' -e '$(CURDIR)/.build-lib/' \
	  .build-lib/release/libCFlowAD.so; then echo "the library holds a path of this folder" >&2; exit 1; fi
	@mkdir -p build/lib
	cp .build-lib/release/libCFlowAD.so $(LIBRARY)
	ln -sf $(notdir $(LIBRARY)) build/lib/$(SONAME)
	ln -sf $(SONAME) build/lib/libcflowad.so

tool: requirements
	$(BUILD) $(LINK_TOOL)
	@mkdir -p build/bin
	cp .build-lib/release/cflowad $(TOOL)

# Library, headers, tool, and what pkg-config and CMake's find_package(cflowad) look for; DESTDIR for packagers, LIBDIR for
# distributions (lib64, lib/x86_64-linux-gnu). What is built is not built again: `make && sudo make install` needs no Swift for
# the second.
install:
	@[ -e $(LIBRARY) ] && [ -e $(TOOL) ] || $(MAKE) lib tool
	packaging/install.sh "$(DESTDIR)" "$(PREFIX)" "$(LIBDIR)" $(VERSION) $(dir $(LIBRARY)) $(TOOL) $(wildcard build/man)

uninstall:
	packaging/uninstall.sh "$(DESTDIR)" "$(PREFIX)"

# ---------------------------------------------------------------------------------------------------------------- test

test: packages lib tool $(VENV)/tests
	packaging/needs.sh $(LIBRARY) $(TOOL)
	swift test $(TESTED)
	Tests/kernels.sh $(VENV)/bin/python $(TESTED)
	$(VENV)/bin/python Tests/Fixtures/make_detector.py model lite0 build/lite0.h5
	$(VENV)/bin/python Tests/Fixtures/make_detector.py model lite0 build/tiled.h5 72 64 16
	TILED_DETECTOR=build/tiled.h5 Tests/C/run.sh build/lite0.h5
	Tests/C/faults.sh 10
	Tests/CXX/run.sh build/lite0.h5 build/tiled.h5
	PYTHONPATH=bindings/python $(VENV)/bin/python -m pytest -q Tests/Python
	$(MAKE) examples

# Every example, built and run from what is installed.
examples: packages lib tool build/examples.h5
	examples/run.sh build/examples.h5 $(VENV)/bin/python

build/examples.h5: | $(VENV)/tests
	@mkdir -p build
	PYTHONPATH=bindings/python $(VENV)/bin/python -m cflowad export encoder --wheel efficientnet-lite0 --input-size 128 -o $@

# The package's cluster on Ray, whose workers are killed on the way (docs/cluster.md). Ray and pyarrow have an environment of
# their own: half a gigabyte that nothing else needs.
cluster-test: packages lib $(VENV)/cluster/complete
	PYTHONPATH=bindings/python $(VENV)/cluster/bin/python -m pytest -q Tests/Python/test_cluster*.py

# The live page and the report in Chromium, at a desktop's and a phone's width; their pictures are left in build/page.
serve-test: packages lib tool build/examples.h5 $(VENV)/browser/complete
	.ci/install-packages chromium chromium-driver fonts-dejavu-core
	rm -rf build/page
	mkdir -p build/page
	$(VENV)/bin/python examples/make_frames.py build/page/frames 2
	$(TOOL) train build/examples.h5 build/page/frames/good --calibrate-on build/page/frames/again -o build/page/gasket.h5
	$(VENV)/browser/bin/python -m pytest -q Tests/Browser

# Training, sessions on four threads over one model, exchanges of models meanwhile, and queues, under ThreadSanitizer: about ten
# minutes.
tsan: $(VENV)/tests
	@mkdir -p build
	$(VENV)/bin/python Tests/Fixtures/make_detector.py model lite0 build/lite0.h5
	swift build --configuration release --sanitize thread --scratch-path .build-tsan --product CFlowAD
	Tests/C/tsan.sh build/lite0.h5 .build-tsan/release

# The tests of all modules under AddressSanitizer, which also watches what Swift's unsafe pointers touch. Undefined behaviour
# of the C code traps: Swift's linker has no runtime for its reports. Casts of what dlsym finds are not meant.
asan: packages
	ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1 swift test --configuration release --sanitize address \
	  -Xcc -fsanitize=undefined -Xcc -fsanitize-trap=undefined -Xcc -fno-sanitize=function \
	  --scratch-path .build-asan -Xswiftc -enable-testing

# What share of each module's lines the tests of all modules run: a table.
coverage: packages
	swift test --configuration release --enable-code-coverage --scratch-path .build-coverage -Xswiftc -enable-testing
	Tests/coverage.py "$$(swift test --configuration release --scratch-path .build-coverage --show-codecov-path)"

# How many of so many small faults in flows, scoring, measures and kernels the modules' tests notice: docs/reliability.md. Hours.
MUTANTS ?= 350
SEED ?= 1
mutants: packages
	Tests/Mutation/run.py --count $(MUTANTS) --seed $(SEED)

# What is beneath the library fails, each call in its turn; processes are killed: docs/reliability.md. Some two hours of two
# processors.
faults: packages lib $(VENV)/tests
	Tests/C/faults.sh 1

# Sessions, exchanges of models and a trainer for so many seconds: results, memory, threads and open files must stay what they are.
# Sessions take a frame every SOAK_PERIOD milliseconds, or as fast as they can.
SOAK ?= 3600
SOAK_PERIOD ?= 0
soak: packages lib $(VENV)/tests
	Tests/C/soak.sh $(SOAK) $(SOAK_PERIOD)

# libFuzzer with AddressSanitizer, and traps for undefined behaviour of the C code, so many seconds for each entry; FUZZ_ENTRIES
# names some of them.
FUZZ ?= 300
fuzz: packages $(VENV)/tests
	CFLOWAD_FUZZING=1 swift build --configuration release --sanitize address --scratch-path .build-fuzz --product Fuzzing \
	  -Xswiftc -enable-testing -Xswiftc -sanitize-coverage=edge,trace-cmp,inline-8bit-counters,pc-table \
	  -Xcc -fsanitize=fuzzer-no-link -Xcc -fsanitize=undefined -Xcc -fsanitize-trap=undefined -Xcc -fno-sanitize=function
	@mkdir -p build
	$(VENV)/bin/python Tests/Fixtures/make_detector.py model lite0 build/lite0.h5
	Tests/Fuzz/run.sh .build-fuzz/release $(FUZZ) build/lite0.h5 $(FUZZ_ENTRIES)

# The library beside OpenCV, PyTorch and h5py in one process, in an environment of its own, as OpenCV is large.
guest: packages lib $(VENV)/guest/complete
	PYTHONPATH=bindings/python $(VENV)/guest/bin/python -m pytest -q Tests/Python/test_neighbours.py

# The library's numbers against exact ones: docs/fidelity.md.
fidelity: packages lib $(VENV)/tests $(VENV)/fidelity
	$(BENCHMARK)/fidelity.py
	$(BENCHMARK)/gaussian_fidelity.py
	$(BENCHMARK)/encoder_fidelity.py
	$(BENCHMARK)/quantized_fidelity.py
	$(BENCHMARK)/photograph_fidelity.py

# Time, memory and start beside PyTorch, ONNX Runtime and OpenVINO, all taking turns; training steps beside PyTorch;
# detectors that share an encoder; large frames in tiles: tables in build/bench.
# About a quarter of an hour; the first two in two minutes with BENCH=--quick.
bench: packages lib $(VENV)/bench
	$(BUILD) --product training-steps $(STATIC)
	$(BENCHMARK)/speed.py $(BENCH)
	$(BENCHMARK)/training_speed.py .build-lib/release/training-steps $(BENCH)
ifneq ($(BENCH),--quick)
	$(BENCHMARK)/many_detectors.py
	$(BENCHMARK)/large_frames.py
endif

# Times of the inner loops, on every build of them that this processor runs.
microkernels: packages
	$(BUILD) --product microkernels $(STATIC)
	.build-lib/release/microkernels

# Detectors beside PaDiM, PatchCore and the paper's training, on solar cells from PyPI and on your own data in MVTec AD's
# layout, QUALITY="CLASS_FOLDER ... --all FOLDER": tables in build/quality, for docs/quality.md.
quality: packages lib build/quality/lite0.h5
	$(BENCHMARK)/quality.py build/quality/lite0.h5 --solar-cells $(QUALITY)

# Not exported anew: measured results are of this file.
build/quality/lite0.h5: | $(VENV)/quality
	@mkdir -p build/quality
	PYTHONPATH=bindings/python $(VENV)/bin/python -m cflowad export encoder --wheel efficientnet-lite0 --input-size 256 -o $@

lint: $(VENV)/lint check-version
	swift format lint --strict --recursive Sources Tests benchmarks Package.swift
	git ls-files '*.c' '*.h' '*.cpp' '*.hpp' | xargs $(VENV)/bin/clang-format --dry-run -Werror

# Header, package, changes, record of the interface and git's tag tell one version.
check-version:
	@packaging/check-version.sh $(VERSION)

format: $(VENV)/lint
	swift format --in-place --recursive Sources Tests benchmarks Package.swift
	git ls-files '*.c' '*.h' '*.cpp' '*.hpp' | xargs $(VENV)/bin/clang-format -i

# ---------------------------------------------------------------------------------------------------------------- demo

demo: packages lib tool $(VENV)/demo
	bindings/demo/run.sh $(VENV)/bin/python build/demo

# ---------------------------------------------------------------------------------------------------------------- docs

# The documentation site, to be read from build/docs/index.html without a network: about ten seconds. What is wrong in it ends it.
docs: $(VENV)/docs/complete
	$(VENV)/docs/bin/python -m sphinx --fresh-env --fail-on-warning --keep-going --quiet --builder html docs build/docs
	@# Nothing is loaded from elsewhere when it is read.
	! grep -rE '(src|srcset)="(https?:)?//|<link[^>]+href="(https?:)?//|url\(["'\'']?(https?:)?//|@import' build/docs \
	  --include='*.html' --include='*.css'

# docs/pictures, by the commands of docs/first-detector.md.
pictures: packages lib tool $(VENV)/tests
	PYTHONPATH=$(CURDIR)/bindings/python $(VENV)/bin/python docs/pictures/draw.py

# Sphinx has an environment of its own: documents are written without PyTorch.
$(VENV)/docs/complete: docs/requirements.txt | packages
	.ci/make-venv $(VENV)/docs $<
	@touch $@

# Python with what tests or demo need; the files say that it is complete.
$(VENV)/tests: bindings/python/requirements-export.txt bindings/python/requirements-test.txt | packages
	.ci/make-venv $(VENV) $^
	@touch $@

# By a version of its own, since every one formats a little differently.
$(VENV)/lint: .ci/requirements-lint.txt | packages
	.ci/make-venv $(VENV) $^
	@touch $@

$(VENV)/bench: bindings/python/requirements-export.txt benchmarks/requirements.txt | packages
	.ci/make-venv $(VENV) $^
	@touch $@

$(VENV)/fidelity: bindings/python/requirements-export.txt benchmarks/requirements-fidelity.txt | packages
	.ci/make-venv $(VENV) $^
	@touch $@

$(VENV)/quality: bindings/python/requirements-export.txt benchmarks/requirements-quality.txt | packages
	.ci/make-venv $(VENV) $^
	@touch $@

$(VENV)/cluster/complete: bindings/python/requirements-cluster.txt | packages
	.ci/make-venv $(VENV)/cluster $^
	@touch $@

$(VENV)/browser/complete: Tests/Browser/requirements.txt | packages
	.ci/make-venv $(VENV)/browser $^
	@touch $@

$(VENV)/guest/complete: bindings/python/requirements-export.txt bindings/python/requirements-test.txt \
  Tests/Python/requirements-guest.txt | packages
	.ci/make-venv $(VENV)/guest $^
	@touch $@

$(VENV)/demo: bindings/python/requirements-export.txt bindings/demo/requirements.txt | packages
	.ci/make-venv $(VENV) $^
	@touch $@

# make dist, make dist-test: what people install who have no Swift.
include packaging/dist.mk

clean:
	rm -rf build dist .build .build-* $(VENV)
	find . -name __pycache__ -prune -exec rm -rf {} +
