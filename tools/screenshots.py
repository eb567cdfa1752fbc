#!/usr/bin/env python3
"""Pictures of a report: screenshots.py REPORT.html DIR [FIGURE]  leaves light.png, dark.png and phone.png in DIR, or FIGURE.png.

For the eye after a change of the report, and for README. Needs Chromium; exits 4 without it.
"""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "report"))
import browser  # noqa: E402

PICTURES = (("light", "light", 1100, 1400), ("dark", "dark", 1100, 1400), ("phone", "light", 375, 1400))


def figure(page, name):
    page.size(940, 1400)
    page.open(sys.argv[1])
    page.picture(os.path.join(sys.argv[2], name + ".png"), only=f"#fig-{name} svg")
    print(os.path.join(sys.argv[2], name + ".png"))


def main():
    if len(sys.argv) not in (3, 4):
        print(__doc__.splitlines()[0], file=sys.stderr)
        return 2
    path = browser.find()
    if path is None:
        print("screenshots.py: no Chromium is installed", file=sys.stderr)
        return 4
    os.makedirs(sys.argv[2], exist_ok=True)
    page = browser.Browser(path)
    try:
        if len(sys.argv) == 4:
            figure(page, sys.argv[3])
            return 0
        for name, scheme, width, height in PICTURES:
            page.media(scheme=scheme)
            page.size(width, height, phone=width < 500)
            page.open(sys.argv[1])
            page.picture(os.path.join(sys.argv[2], name + ".png"), whole=False)
            print(os.path.join(sys.argv[2], name + ".png"))
    finally:
        page.close()
    return 0


sys.exit(main())
