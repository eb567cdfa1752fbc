#!/usr/bin/env python3
"""The report in a real browser: what a reader does with it. test_browser.py TRINE [--pictures DIR]

--pictures DIR also leaves light.png, dark.png and phone.png there. Exits 77 where there is no Chromium.
"""
import base64
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

import browser

HERE = os.path.dirname(os.path.abspath(__file__))
SLOW_MS = 10_000        # a report should open within a second; ten times that is no longer the machine's doing
PHONE = 375
CONTRAST = """(() => {
  const lum = c => c.map(v => v / 255).map(v => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
                    .reduce((a, v, i) => a + v * [.2126, .7152, .0722][i], 0);
  const rgb = s => s.match(/[0-9.]+/g).slice(0, 3).map(Number);
  const bg = lum(rgb(getComputedStyle(document.body).backgroundColor));
  return ['body', '.dim', 'a', '.ok', '.bad', '.warn', 'figcaption'].map(q => {
    const t = lum(rgb(getComputedStyle(document.querySelector(q)).color));
    return [q, (Math.max(bg, t) + .05) / (Math.min(bg, t) + .05)] }) })()"""


class Report(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.dir = tempfile.mkdtemp(prefix="trine-browser-")
        subprocess.run([sys.executable, os.path.join(HERE, "make_run.py"), cls.dir, "10", "whole"], check=True, timeout=60)
        subprocess.run([TRINE, "report", cls.dir], check=True, timeout=100, stdout=subprocess.DEVNULL)
        cls.page = browser.Browser(browser.find())
        cls.addClassCleanup(shutil.rmtree, cls.dir)
        cls.addClassCleanup(cls.page.close)

    def setUp(self):
        self.page.errors.clear()
        self.page.requests.clear()
        self.page.media()
        self.page.size(1280, 900)
        self.ms = self.page.open(os.path.join(self.dir, "report.html"))

    def js(self, expression):
        return self.page.js(expression)

    def test_it_is_quiet_and_asks_nobody(self):
        self.assertEqual(self.page.errors, [])
        outside = [u for u in self.page.requests if not u.startswith("data:") and not u.endswith("/report.html")]
        self.assertEqual(outside, [])
        self.assertGreaterEqual(len(self.page.requests), 1)

    def test_it_opens(self):
        size = os.path.getsize(os.path.join(self.dir, "report.html"))
        print(f"\n{self.js('document.querySelectorAll(`tr`).length')} rows, {size / 1e6:.1f} MB, painted in {self.ms:.0f} ms", flush=True)
        self.assertLess(self.ms, SLOW_MS)

    def test_every_figure_is_drawn_and_its_data_can_be_had(self):
        boxes = self.js("[...document.querySelectorAll('figure svg')].map(s => s.getBoundingClientRect().height)")
        self.assertEqual(len(boxes), self.js("document.querySelectorAll('figure').length"))
        self.assertGreater(min(boxes), 100)
        self.assertEqual(self.js("[...document.querySelectorAll('figure a[download]')].filter(a => decodeURIComponent(a.href)"
                                 ".split('\\n').length > 2).length"), len(boxes))
        self.assertEqual(self.js("(() => { const ids = [...document.querySelectorAll('[id]')].map(e => e.id);"
                                 " return ids.filter((x, i) => ids.indexOf(x) !== i) })()"), [])
        self.assertEqual(self.js("[...document.querySelectorAll('a[href^=\"#\"]')].map(a => a.getAttribute('href'))"
                                 ".filter(h => !document.querySelector(h))"), [])

    def column(self, table, name):
        return self.js(f"(() => {{ const t = document.getElementById('{table}'),"
                       f" i = [...t.tHead.rows[0].cells].findIndex(h => h.textContent === '{name}');"
                       f" return [...t.tBodies[0].rows].filter(r => !r.hidden).map(r => r.cells[i].dataset.v ?? r.cells[i].textContent) }})()")

    def press(self, table, name):
        self.js(f"[...document.querySelectorAll('#{table} th button')].find(b => b.textContent === '{name}').click()")

    def test_tables_sort_by_number_and_by_name(self):
        for direction in (False, True):
            self.press("t-results", "Median")
            v = [float(x) for x in self.column("t-results", "Median")]
            self.assertEqual(v, sorted(v, reverse=direction))
        self.press("t-results", "Backend")
        names = self.column("t-results", "Backend")
        self.assertEqual(names, sorted(names))
        self.assertGreater(len(set(names)), 3)

    def test_verdicts_filter(self):
        all_rows = self.column("t-claims", "Verdict")
        click = "[...document.querySelectorAll('#t-claims-chips button')].find(b => b.textContent.startsWith('contradicted')).click()"
        self.js(click)
        self.assertEqual(self.column("t-claims", "Verdict"), ["contradicted"])
        self.js(click)
        self.assertEqual(self.column("t-claims", "Verdict"), all_rows)
        self.js("(() => { const f = document.getElementById('t-claims-filter'); f.value = 'GO straddles';"
                " f.dispatchEvent(new Event('input')) })()")
        self.assertEqual(self.column("t-claims", "Backend"), ["go"])
        self.assertEqual(self.js("document.getElementById('t-claims-shown').textContent"), "1 of 3 rows")

    def test_both_themes_can_be_read(self):
        backgrounds = []
        for scheme in ("light", "dark"):
            self.page.media(scheme=scheme)
            for what, ratio in self.js(CONTRAST):
                self.assertGreaterEqual(ratio, 4.5, f"{what} in the {scheme} theme")
            backgrounds.append(self.js("getComputedStyle(document.body).backgroundColor"))
        self.assertNotEqual(*backgrounds)

    def test_a_phone_never_scrolls_sideways(self):
        for name in ("report.html", "compare.html"):
            self.page.size(PHONE, 800, phone=True)
            self.page.open(os.path.join(self.dir, name))
            self.assertEqual(self.js("document.documentElement.clientWidth"), PHONE, name)
            wide = self.js("[...document.body.querySelectorAll('*')].filter(e => { if (e.getBoundingClientRect().right <= 376)"
                           " return false; for (let p = e; p; p = p.parentElement) if (/auto|scroll|hidden/.test(getComputedStyle(p).overflowX)"
                           " && p !== document.documentElement && p !== document.body) return false; return true })"
                           ".slice(0, 5).map(e => e.tagName + '.' + e.className + ': ' + e.textContent.slice(0, 60))")
            self.assertEqual(wide, [], name)
            self.assertLessEqual(self.js("document.documentElement.scrollWidth"), PHONE, name)

    def test_it_prints(self):
        pdf = base64.b64decode(self.page.call("Page.printToPDF")["data"])
        self.assertEqual(pdf[:5], b"%PDF-")
        self.page.media("print")
        self.assertEqual(self.js("getComputedStyle(document.querySelector('.wrap')).overflowY"), "visible")
        self.assertEqual(self.js("getComputedStyle(document.querySelector('nav')).display"), "none")

    def test_a_keyboard_is_enough(self):
        for _ in range(200):
            self.page.key("Tab", 9)
            if self.js("document.activeElement.closest('th') !== null"):
                break
        self.assertEqual(self.js("document.activeElement.closest('table')?.id"), "t-claims")
        self.assertNotEqual(self.js("getComputedStyle(document.activeElement).outlineStyle"), "none")
        self.page.key("Enter", 13, "\r")
        self.assertEqual(self.js("document.activeElement.closest('th').getAttribute('aria-sort')"), "ascending")

    def test_the_comparison_beside_it(self):
        self.assertEqual(self.js("document.querySelector('a[href=\"compare.html\"]')?.textContent"), "Side by side")
        self.page.open(os.path.join(self.dir, "compare.html"))
        self.assertEqual(self.page.errors, [])
        self.assertGreater(self.js("document.querySelectorAll('figure svg circle').length"), 100)

    def test_pictures(self):
        out = PICTURES or self.dir
        os.makedirs(out, exist_ok=True)
        for name, scheme, width in (("light", "light", 1280), ("dark", "dark", 1280), ("phone", "light", PHONE)):
            self.page.media(scheme=scheme)
            self.page.size(width, 900, phone=width == PHONE)
            self.page.picture(os.path.join(out, name + ".png"))
            self.assertGreater(os.path.getsize(os.path.join(out, name + ".png")), 50_000)


if __name__ == "__main__":
    TRINE, PICTURES = sys.argv.pop(1), None
    if "--pictures" in sys.argv:
        at = sys.argv.index("--pictures")
        PICTURES = sys.argv[at + 1]
        del sys.argv[at:at + 2]
    if browser.find() is None:
        print("SKIP: no Chromium is installed")
        sys.exit(77)
    unittest.main()
