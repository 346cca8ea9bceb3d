"""Licences: told by what only they say; what adds to them, or only resembles them, is not taken for one."""

from pathlib import Path

import pytest
from redraft_model.data.licences import is_licence_file, names_another, recognise, recognise_all

APACHE = (Path(__file__).parents[3] / "LICENSE").read_text("utf-8")

BSD_2 = """
Copyright 2019 Some Body. All rights reserved.

Redistribution and use in source and binary forms, with or without modification, are permitted
provided that the following conditions are met:

1. Redistributions of source code must retain the above copyright notice, this list of conditions
and the following disclaimer.
2. Redistributions in binary form must reproduce the above copyright notice, this list of conditions
and the following disclaimer in the documentation and/or other materials provided with the
distribution.
"""
BSD_3 = f"""{BSD_2}
3. Neither the name of the copyright holder nor the names of its contributors may be used to endorse or promote products derived
   from this software without specific prior written permission.
"""
BSD_4 = f"""{BSD_3}
4. All advertising materials mentioning features or use of this software must display the following acknowledgement.
"""
ISC = """
Copyright (c) 2018, Some Body <some@body.example>

Permission to use, copy, modify, and/or distribute this software for any purpose with or without fee
is hereby granted, provided that the above copyright notice and this permission notice appear in all
copies.
"""
ZERO_BSD = """
Permission to use, copy, modify, and/or distribute this software for any
purpose with or without fee is hereby granted.

THE SOFTWARE IS PROVIDED "AS IS" AND THE AUTHOR DISCLAIMS ALL WARRANTIES.
"""
UNLICENSE = (
    "This is free and unencumbered software released into the public domain.\n\nAnyone is free to copy it.\n"
)
PSF = """
A. HISTORY: most Python releases have also been GPL-compatible, and all Python licenses, unlike the
GPL, let you distribute a modified version. The other licenses make it possible to combine it with
software that is released under the GPL.

PYTHON SOFTWARE FOUNDATION LICENSE VERSION 2
1. This LICENSE AGREEMENT is between the Python Software Foundation ("PSF") and the Individual or
Organization ("Licensee").
"""
GPL = """
This program is free software: you can redistribute it and/or modify it under the terms of the GNU
General Public License as published by the Free Software Foundation, either version 3 of the
License, or (at your option) any later version.
"""
MPL = "This Source Code Form is subject to the terms of the Mozilla Public License, v. 2.0.\n"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (APACHE, "Apache-2.0"),
        ('Licensed under the Apache License, Version 2.0 (the "License");\nsee https://apache.org.', "Apache-2.0"),
        (BSD_2, "BSD-2-Clause"),
        (BSD_3, "BSD-3-Clause"),
        (ISC, "ISC"),
        (ISC.replace("and/or", "and"), "ISC"),
        (ZERO_BSD, "0BSD"),
        (UNLICENSE, "Unlicense"),
        (PSF, "PSF-2.0"),
        (f"{BSD_3}\n{'=' * 80}\n{ISC}", "BSD-3-Clause AND ISC"),
        # Markdown, other line breaks and capitals.
        ("> " + BSD_2.upper().replace(" ", "\n> "), "BSD-2-Clause"),
    ],
)  # fmt: skip
def test_a_permissive_licence_is_recognised(text: str, name: str) -> None:
    found = recognise(text)
    assert (found.name, found.is_permissive) == (name, True)


def test_so_is_the_most_common_one(mit: str) -> None:
    assert recognise(mit).name == "MIT"
    authors = "\n".join(f"Copyright (c) {year} Some Body and very many others" for year in range(1990, 2020))
    assert recognise(mit.replace("Copyright (c) 2020 Some Body", authors)).name == "MIT"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (GPL, "GPL"),
        (GPL.replace("General", "Lesser General"), "LGPL"),
        (GPL.replace("General", "Affero General"), "AGPL"),
        ("Released under the GPLv2.", "GPL"),
        (MPL, "MPL"),
        (f"{BSD_2}\n{GPL}", "GPL"),
        (f"{PSF}\n{GPL}", "GPL"),
        ("You are free to share it under CC BY-SA (ShareAlike).", "CC-BY-SA"),
        ("All rights reserved.", "unknown"),
        ("", "unknown"),
        (BSD_4, "unknown"),
        (f"“Commons Clause” License Condition v1.0\n{BSD_2}", "unknown"),
        (f"For non-commercial purposes:\n{ISC}", "unknown"),
        (f"{ISC}\n{'But mind what follows. ' * 80}", "unknown"),
    ],
)
def test_no_other_text_is_taken_for_one(text: str, name: str) -> None:
    found = recognise(text)
    assert (found.name, found.is_permissive) == (name, False)


NOTE = "This software is under the terms of either of the licenses found in LICENSE.APACHE or LICENSE.BSD."


@pytest.mark.parametrize(
    ("texts", "name", "is_permissive"),
    [
        ([NOTE, APACHE, BSD_2], "Apache-2.0 AND BSD-2-Clause", True),
        ([BSD_3, BSD_3], "BSD-3-Clause", True),
        ([BSD_3, GPL], "BSD-3-Clause AND GPL", False),
        ([BSD_3, "These terms are those of nobody else. " * 20], "BSD-3-Clause AND unknown", False),
        ([BSD_3, "Proprietary and confidential."], "BSD-3-Clause AND unknown", False),
        ([NOTE], "unknown", False),
        ([], "unknown", False),
    ],
)
def test_all_licences_of_a_project_count(texts: list[str], name: str, is_permissive: bool) -> None:
    found = recognise_all(texts)
    assert (found.name, found.is_permissive) == (name, is_permissive)


@pytest.mark.parametrize(
    "name", ["LICENSE", "LICENCE.txt", "license.md", "COPYING", "COPYING.LESSER", "UNLICENSE", "LICENSE-MIT"]
)  # fmt: skip
def test_a_licence_file_is_known_by_its_name(name: str) -> None:
    assert is_licence_file(name)


@pytest.mark.parametrize("name", ["licenses.py", "README", "licensed.txt", "NOTICE", "my-license"])
def test_so_is_what_is_none(name: str) -> None:
    assert not is_licence_file(name)


@pytest.mark.parametrize(
    "head",
    [
        "# SPDX-License-Identifier: GPL-2.0-or-later\n",
        "#!/usr/bin/env python\n# SPDX-License-Identifier: (MIT OR MPL-2.0)\n",
        '"""A module.\n\nIt is under the terms of the\nGNU General Public License.\n"""\n',
        "# Copyright Some Body\n\n# This is under the Mozilla Public\n# License, version 2.0.\n",
    ],
)
def test_the_head_of_a_file_names_another_licence(head: str) -> None:
    assert names_another(f"{head}import os\n")


@pytest.mark.parametrize(
    "source",
    [
        "import os\n",
        "",
        "# SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause\nimport os\n",
        '"""Plots with mpl."""\nimport os\n',
        # A program may speak of licences.
        'NAMES = ["GNU General Public License"]\n# SPDX-License-Identifier: GPL-2.0\n',
    ],
)
def test_or_it_does_not(source: str) -> None:
    assert not names_another(source)
