# `make dist`: what people install who have neither Swift nor a checkout, in dist/ with its SHA256SUMS: a wheel and a tarball for
# Linux, packages for this Debian. docs/install.md says what each of them needs. `make dist-test` installs, uses and removes
# each in roots with nothing but a Debian's base; it takes root's rights.

PRODUCTS := build/dist/products
LINKABLE := build/dist/linkable
BUILD_WIDELY = $(patsubst PKG_CONFIG_PATH=%,PKG_CONFIG_PATH=$(CURDIR)/$(LINKABLE):%,$(BUILD))
# The Debians whose C library wheel and tarball are linked with, the first that is to be had, and those that all is tested on.
OLDEST   := bullseye bookworm
ROOTS    ?= bullseye bookworm trixie
DIST_PYTHON := build/dist/venv/bin/python
NAME     := cflowad-$(VERSION)-linux-$(shell uname -m)
# Archives have the dates of the commit, so that the same products give the same archives.
dist wheel tarball debian man: export SOURCE_DATE_EPOCH := $(shell git log -1 --format=%ct 2> /dev/null || date +%s)

.PHONY: dist dist-test sign reproducible mmdebstrap wheel tarball debian products man

dist: wheel tarball debian
	cd dist && sha256sum $(NAME).tar.gz *.whl *.deb > SHA256SUMS
	@ls -l dist

# The checksums signed by gpg's default key, or KEY.
sign:
	packaging/sign.sh dist $(KEY)

# Whether the library is the same, byte for byte, when it is built anew in another folder.
reproducible: packages lib
	packaging/reproducible.sh $(LIBRARY)

mmdebstrap:
	@.ci/install-packages mmdebstrap

# ------------------------------------------------------------------------------------------------ linked for many systems

# The objects of `make lib tool`, linked with Debian 11's C library in place of this machine's, and with libpng inside: they
# then need glibc 2.29, the C++ runtime of GCC 5 and zlib, or later ones, which all systems have.
products: packages lib tool $(LINKABLE) $(DIST_PYTHON)
	rm -rf $(PRODUCTS)
	mkdir -p $(PRODUCTS)
	$(BUILD_WIDELY) $(LINK_LIBRARY) -Xlinker -zdefs
	cp .build-lib/release/libCFlowAD.so $(PRODUCTS)/libcflowad.so.$(VERSION)
	ln -s libcflowad.so.$(VERSION) $(PRODUCTS)/$(SONAME)
	$(BUILD_WIDELY) $(LINK_TOOL) -Xlinker --allow-shlib-undefined -Xlinker --strip-all \
	  -Xlinker $(CURDIR)/$(LINKABLE)/start.o -Xlinker --entry=start_of_old
	cp .build-lib/release/cflowad $(PRODUCTS)/cflowad
	packaging/needs.sh $(PRODUCTS)/$(SONAME) $(PRODUCTS)/cflowad
	packaging/licences.sh $(LINKABLE) $(PRODUCTS)/licences
	$(DIST_PYTHON) packaging/sbom.py $(VERSION) $(LINKABLE)/glibc $(PRODUCTS)/cflowad.spdx.json

$(LINKABLE): packaging/linkable.sh | mmdebstrap
	packaging/linkable.sh $@ $(OLDEST)
	@touch $@

$(DIST_PYTHON): packaging/requirements.txt | packages
	python3 -m venv build/dist/venv
	$@ -m pip install --quiet --disable-pip-version-check -r $< || { rm -r build/dist/venv; exit 1; }
	@touch $@

man: tool
	swift build --package-path .build-lib/checkouts/swift-argument-parser --scratch-path .build-man --product generate-manual
	packaging/manual.sh .build-man/debug/generate-manual $(TOOL) build/man

# ---------------------------------------------------------------------------------------------------------------- wheel

# auditwheel holds the wheel to what its name promises, and gives it that name.
wheel: products build/dist/data
	rm -f build/dist/*.whl dist/*.whl
	cd bindings/python && CFLOWAD_PRODUCTS=$(CURDIR)/$(PRODUCTS) $(CURDIR)/$(DIST_PYTHON) -m hatchling build -t wheel \
	  -d $(CURDIR)/build/dist
	PATH=$(dir $(DIST_PYTHON)):$$PATH auditwheel repair --plat auto -w dist build/dist/*.whl
	Tests/Dist/wheel.sh dist/*.whl build/dist/data

# -------------------------------------------------------------------------------------------------------------- tarball

tarball: products man
	@mkdir -p dist
	rm -f dist/*.tar.gz
	packaging/tarball.sh $(VERSION) $(PRODUCTS) build/man dist/$(NAME).tar.gz

# ------------------------------------------------------------------------------------------------------ Debian packages

debian: packages lib tool man
	@.ci/install-packages debhelper lintian
	@mkdir -p dist
	rm -f dist/*.deb
	packaging/debian.sh $(VERSION) $(dir $(LIBRARY)) $(TOOL) build/man dist

# ----------------------------------------------------------------------------------------------------------------- test

build/dist/data: $(DIST_PYTHON) Tests/Dist/data.py
	$(DIST_PYTHON) Tests/Dist/data.py $@
	@touch $@

dist-test: dist build/dist/data
	cd dist && sha256sum --check --quiet SHA256SUMS
	packaging/sign.sh --test
	Tests/Dist/run.sh dist build/dist/data build/dist/roots $(ROOTS)
