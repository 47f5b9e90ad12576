# libcflowad: `make demo` and `make test` do all their own set-up on a fresh Debian machine with a Swift toolchain.

VERSION := 1.0.0
LIB     := build/lib/libcflowad.so
# One scratch folder per way of building: the library holds the Swift runtime, tests and the tool do not share its flags.
SWIFT_BUILD := swift build --configuration release
VENV    := .venv
PYTHON  := $(VENV)/bin/python

.PHONY: all lib tool test demo deps clean format lint

all: lib tool

# ------------------------------------------------------------------------------------------------------------ set-up

deps:
	@scripts/install-packages

# Python for exporter, tests and demo.
$(VENV)/.ready: bindings/python/requirements-export.txt bindings/python/requirements-test.txt
	@scripts/make-venv $(VENV) $^
	@touch $@

# ------------------------------------------------------------------------------------------------------------- build

# The shared library: Swift's runtime inside, only cflowad_* outside.
lib: deps
	$(SWIFT_BUILD) --product CFlowAD --scratch-path .build-lib -Xswiftc -static-stdlib \
	  -Xlinker -soname=libcflowad.so.1 -Xlinker --version-script=Sources/CFlowAD/exports.map \
	  -Xlinker -z -Xlinker nodelete -Xlinker --gc-sections -Xlinker --strip-all
	@mkdir -p build/lib
	@cp .build-lib/release/libCFlowAD.so $(LIB).$(VERSION)
	@ln -sf libcflowad.so.$(VERSION) $(LIB).1
	@ln -sf libcflowad.so.1 $(LIB)
	@echo "built $(LIB).$(VERSION)"
