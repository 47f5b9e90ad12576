"""Writes the SBOM, as SPDX, of what make dist makes for many systems: what is linked into library and tool, what they load.

python packaging/sbom.py VERSION FOLDER_WITH_GLIBC OUTPUT.spdx.json
"""

import gzip
import json
import os
import re
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

from spdx_tools.common.spdx_licensing import spdx_licensing
from spdx_tools.spdx.model import (
    Actor,
    ActorType,
    CreationInfo,
    Document,
    ExternalPackageRef,
    ExternalPackageRefCategory,
    Package,
    Relationship,
    RelationshipType,
    SpdxNoAssertion,
)
from spdx_tools.spdx.writer.write_anything import write_file

ROOT = Path(__file__).resolve().parents[1]

#: Binary package of Debian -> licence of what is linked from it.
STATIC = {
    "libhdf5-dev": "HDF5",
    "libaec-dev": "BSD-2-Clause",
    "libpng-dev": "libpng-2.0",
}
#: Swift packages under another licence than Swift's, and those that are resolved but not used.
PACKAGES = {"swift-nio": "Apache-2.0 AND MIT"}
NOT_LINKED = {"swift-system"}
#: What the system gives at the start: the C and C++ runtimes and zlib.
SHARED = {"glibc": "LGPL-2.1-or-later", "gcc": "GPL-3.0-or-later WITH GCC-exception-3.1", "zlib": "Zlib"}
LOADED = {"OpenBLAS": "BSD-3-Clause", "libjpeg-turbo": "IJG", "libtiff": "libtiff", "libwebp": "BSD-3-Clause"}


def output(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def package(name, licence, version=None, locator=None):
    return Package(
        spdx_id="SPDXRef-" + re.sub("[^A-Za-z0-9.-]", "-", name),
        name=name,
        version=version,
        download_location=SpdxNoAssertion(),
        files_analyzed=False,
        license_declared=spdx_licensing.parse(licence),
        external_references=[
            ExternalPackageRef(ExternalPackageRefCategory.PACKAGE_MANAGER, "purl", f"pkg:{locator}@{version}")
        ]
        if locator
        else [],
    )


def linked(glibc):
    """What library and tool contain."""
    swift = re.search(r"Swift version (\S+)", output("swift", "--version"))[1]
    yield package("swift", "Apache-2.0 WITH Swift-exception", swift, "github/swiftlang/swift")
    state = json.loads((ROOT / ".build-lib" / "workspace-state.json").read_text())
    for dependency in state["object"]["dependencies"]:
        name, version = dependency["packageRef"]["identity"], dependency["state"]["checkoutState"]["version"]
        if name not in NOT_LINKED:
            yield package(name, PACKAGES.get(name, "Apache-2.0 WITH Swift-exception"), version, f"github/apple/{name}")
    for name, licence in STATIC.items():
        source, version = output("dpkg-query", "-W", "-f", "${source:Package} ${source:Version}\n", name).split()[:2]
        yield package(source, licence, version, f"deb/debian/{source}")
    # The part of the C library that is always linked statically: a program's start and a few functions.
    with gzip.open(Path(glibc) / "usr/share/doc/libc6-dev/changelog.Debian.gz", "rt") as changes:
        version = re.match(r"glibc \((.*?)\)", changes.readline())[1]
    yield package("glibc", "LGPL-2.1-or-later", version, "deb/debian/glibc")


def main(version, glibc, path):
    product = package("cflowad", "Apache-2.0", version, "generic/cflowad")
    created = datetime.fromtimestamp(int(os.environ.get("SOURCE_DATE_EPOCH", 0)), timezone.utc)
    packages, relationships = [product], [Relationship("SPDXRef-DOCUMENT", RelationshipType.DESCRIBES, product.spdx_id)]
    parts = [(part, RelationshipType.STATIC_LINK) for part in linked(glibc)]
    parts += [(package(f"{name} (of the system)", licence), RelationshipType.DYNAMIC_LINK) for name, licence in SHARED.items()]
    for part, kind in parts:
        packages.append(part)
        relationships.append(Relationship(product.spdx_id, kind, part.spdx_id))
    for name, licence in LOADED.items():
        part = package(f"{name} (of the system)", licence)
        packages.append(part)
        relationships.append(Relationship(part.spdx_id, RelationshipType.OPTIONAL_DEPENDENCY_OF, product.spdx_id))
    described = json.dumps([[part.name, part.version] for part in packages]) + created.isoformat()
    information = CreationInfo(
        spdx_version="SPDX-2.3",
        spdx_id="SPDXRef-DOCUMENT",
        name=f"cflowad-{version}",
        document_namespace=f"https://spdx.org/spdxdocs/cflowad-{version}-{uuid5(NAMESPACE_URL, described)}",
        creators=[Actor(ActorType.TOOL, "libcflowad-make-dist")],
        created=created.replace(tzinfo=None),
    )
    # Validates what it writes.
    write_file(Document(information, packages=packages, relationships=relationships), path)


if __name__ == "__main__":
    main(*sys.argv[1:])
