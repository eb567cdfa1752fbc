"""A small tree in a temporary folder, for tests that show a lint a bad sample."""
import os
import sys
import tempfile
import unittest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, 'tools', 'lint'))


class SampleTree(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = folder.name

    def write(self, **files):
        """Writes files; in a keyword __ stands for / and the last _ for the dot: runtime__chan_c is runtime/chan.c."""
        for name, text in files.items():
            self.put('.'.join(name.replace('__', '/').rsplit('_', 1)), text)

    def put(self, path, text):
        path = os.path.join(self.root, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, 'w', encoding='utf-8') as file:
            file.write(text)
