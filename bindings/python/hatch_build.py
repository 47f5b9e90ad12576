"""Puts the shared library, the tool, their licences and their SBOM into a wheel (make dist).

They are taken from the folder that the environment variable CFLOWAD_PRODUCTS names. Without it the wheel has the package's
Python code alone, which looks for a library that is installed otherwise.
"""

import os
import platform
from pathlib import Path

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class Products(BuildHookInterface):
    def initialize(self, version, build_data):
        folder = os.environ.get("CFLOWAD_PRODUCTS")
        if version != "standard" or not folder:
            return
        products = Path(folder).resolve()
        build_data["pure_python"] = False
        # Of any Python 3, since ctypes binds it. Which systems it runs on is found out by auditwheel, which renames the wheel.
        build_data["tag"] = f"py3-none-linux_{platform.machine()}"
        build_data["force_include"][str(products / "libcflowad.so.1")] = "cflowad/libcflowad.so.1"
        build_data["shared_scripts"][str(products / "cflowad")] = "cflowad"
        build_data["extra_metadata"][str(products / "licences")] = "licences"
        build_data["sbom_files"].append(str(products / "cflowad.spdx.json"))
