"""The documentation site: `make docs` writes it to build/docs. Nothing of it is loaded from elsewhere when it is read."""

import re
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path[:0] = [str(HERE / "_extensions"), str(ROOT / "bindings" / "python")]

header = (ROOT / "include" / "cflowad.h").read_text()
numbers = re.findall(r"#define CFLOWAD_VERSION_(?:MAJOR|MINOR|PATCH) (\d+)", header)

project = "libcflowad"
author = copyright = "the authors of libcflowad"
release = version = ".".join(numbers)
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_copybutton", "c_header"]
exclude_patterns = ["requirements.txt"]

myst_enable_extensions = ["colon_fence", "deflist", "attrs_inline", "attrs_block"]
myst_heading_anchors = 4

# Every reference must lead somewhere, but for C's, Python's and numpy's own types, and the package's private ones.
nitpicky = True
nitpick_ignore_regex = [
    ("c:identifier", r"u?int\d+_t|size_t"),
    ("py:.*", r"(?!cflowad\.[a-zA-Z]).*"),
]

napoleon_use_ivar = True
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_type_aliases = {name: name for name in ("ImageLike", "Layout", "Order", "Path", "Buffer", "CameraFormat", "Bytes")}
python_maximum_signature_line_length = c_maximum_signature_line_length = 88
add_module_names = False
toc_object_entries_show_parents = "hide"

highlight_language = "none"
html_theme = "furo"
html_title = f"libcflowad {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False
copybutton_exclude = ".linenos, .gp, .go"
pygments_style, pygments_dark_style = "tango", "native"
