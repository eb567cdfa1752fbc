#!/usr/bin/env python3
"""Where output goes: a path of the user's stays what it is (a link, a FIFO, a device), and output that is lost is said."""
import contextlib
import fcntl
import os
import pty
import resource
import signal
import stat
import subprocess
import unittest

import runs
from runs import noisy, series


class Base(runs.Runs):
    def setUp(self):
        super().setUp()
        self.run_dir = self.write_run("r", series([60 * f for f in noisy(10, 0.01, 1)]))
        self.gate = ("gate", "--baseline", self.run_dir, self.run_dir)

    def node(self, name, minor):
        """A device of the kernel's memory driver, in a folder of the test's own."""
        path = self.path(name)
        try:
            os.mknod(path, 0o666 | stat.S_IFCHR, os.makedev(1, minor))
            with open(path, "wb", buffering=0):
                return path
        except OSError as e:
            self.skipTest(f"no device can be made here: {e.strerror}")


class Paths(Base):
    """What --markdown, --junit, --html, --out and --db may be given."""

    def setUp(self):
        super().setUp()
        self.writers = {"markdown": (*self.gate, "--markdown"), "junit": (*self.gate, "--junit"),
                        "html": ("compare", self.run_dir, self.run_dir, "--html"), "out": ("calibrate", "--quick", "--out")}

    def test_a_link_stays_and_its_target_is_replaced(self):
        os.makedirs(self.path("far"))
        for name, command in self.writers.items():
            target, link, way = self.path("far", name), self.path(name), self.path("far", name + "-way")
            with open(target, "w", encoding="utf-8") as f:
                f.write("old")
            os.symlink(name, way)
            os.symlink(os.path.join("far", name + "-way"), link)
            self.trine(*command, link)
            self.assertTrue(os.path.islink(link) and os.path.islink(way) and not os.path.islink(target), name)
            self.assertNotEqual(runs.read(target), "old")
            self.assertEqual(sorted(n for n in os.listdir(self.path("far")) if n.endswith(".tmp")), [])

    def test_a_link_to_nothing_yet_makes_its_target(self):
        os.symlink("made.md", self.path("link.md"))
        self.trine(*self.writers["markdown"], self.path("link.md"))
        self.assertTrue(os.path.islink(self.path("link.md")))
        self.assertTrue(runs.read(self.path("made.md")).startswith("### trine gate"))

    def test_links_in_a_ring_are_refused(self):
        os.symlink("b.md", self.path("a.md"))
        os.symlink("a.md", self.path("b.md"))
        self.refused(*self.writers["markdown"], self.path("a.md"), says="cannot write", code=4)
        self.assertTrue(os.path.islink(self.path("a.md")) and os.path.islink(self.path("b.md")))

    def test_a_fifo_is_written_to(self):
        for name, command in self.writers.items():
            os.mkfifo(self.path(name))
            reader = os.open(self.path(name), os.O_RDONLY | os.O_NONBLOCK)
            self.addCleanup(os.close, reader)
            fcntl.fcntl(reader, fcntl.F_SETPIPE_SZ, 1 << 20)
            self.trine(*command, self.path(name))
            self.assertTrue(stat.S_ISFIFO(os.stat(self.path(name)).st_mode), name)
            self.assertIn(os.read(reader, 1 << 20).decode()[:1], ("#", "<", "{"), name)

    def test_a_folder_is_refused(self):
        for command in self.writers.values():
            self.assertIn("Is a directory", self.trine(*command, self.root, code=4).stderr)

    def test_a_device_stays_a_device(self):
        for name, command in self.writers.items():
            node = self.node(name, 3)
            self.trine(*command, node)
            self.assertTrue(stat.S_ISCHR(os.stat(node).st_mode), name)

    def test_a_device_without_room_is_said(self):
        for name, command in self.writers.items():
            node = self.node(name, 7)
            self.refused(*command, node, says=f"cannot write {node}: No space left on device", code=4)
            self.assertTrue(stat.S_ISCHR(os.stat(node).st_mode), name)

    def history(self, db, **kw):
        self.write_run(os.path.join("results", "m", "r0"), series([60.0]))
        for more in ((), ("--rebuild",), ()):
            check = self.refused if kw else self.trine
            check("history", "--results", self.path("results"), "--db", db, *more, **kw)
            yield

    def test_the_history_replaces_no_fifo(self):
        os.mkfifo(self.path("fifo"))
        for _ in self.history(self.path("fifo"), says="is not a regular file"):
            self.assertTrue(stat.S_ISFIFO(os.stat(self.path("fifo")).st_mode))

    def test_the_history_replaces_no_device(self):
        node = self.node("node", 3)
        for _ in self.history(node, says="is not a regular file"):
            self.assertTrue(stat.S_ISCHR(os.stat(node).st_mode))

    def test_the_history_keeps_a_link(self):
        """Made, made anew where it is damaged, and rebuilt behind the link."""
        link, far = self.path("link.sqlite"), self.path("far.sqlite")
        os.symlink("far.sqlite", link)
        for _ in self.history(link):
            self.assertTrue(os.path.islink(link) and os.path.isfile(far))
            with open(far, "wb") as f:
                f.write(b"rubbish" * 100)

    def test_stdout_by_a_path(self):
        """The summary alone, as with -, whatever stdout is: who reads it there takes it for whole."""
        os.symlink("/proc/self/fd/1", self.path("stdout"))  # as /dev/stdout is
        command = [runs.TRINE, *self.writers["markdown"], self.path("stdout")]
        piped = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
        with open(self.path("all.txt"), "w", encoding="utf-8") as f:
            subprocess.run(command, stdout=f, timeout=60, check=True)
        self.assertTrue(piped.startswith("### trine gate: PASS"), piped)
        self.assertEqual(runs.read(self.path("all.txt")), piped)


class Stdout(Base):
    """No verb prints into nothing: exit 4 and one line when stdout takes no more."""

    def setUp(self):
        super().setUp()
        sweep = self.put("s.ini", "[experiment yield]\nworkload = yield\nprocs = 1\ntasks = 2\nreps = 1\n")
        driver = ("--driver", "trine=" + self.driver("trine-driver-trine"))
        plan = ("plan", "--profile", sweep, "--backends", "trine", *driver)
        peers = self.write_run("p", series([1.0] * 10, experiment="yield-2", procs=1, tasks=2, params={}, pin="none"), profile="peers")
        self.printers = [
            ("--help",), ("--version",), ("--man",), ("help", "gate"), ("gate", "--help"), ("env",), ("env", "--json"), ("doctor",),
            ("doctor", "--json"), ("list", *driver), ("list", "--json", *driver), ("selftest", "--list"), ("claims", "--list"),
            ("claims", "--document"), ("claims", "--plan", "switch-user", *driver), plan, (*plan, "--points"), (*plan, "--json"),
            ("compare", self.run_dir, self.run_dir), ("export", "--to", "csv", self.run_dir), self.gate, (*self.gate, "--markdown", "-")]
        self.keepers = [  # these write files too
            ("claims", "switch-user", "--run", self.run_dir), ("report", self.run_dir), ("peers", peers), ("peers", "--json", peers),
            ("peers", "--markdown", peers), ("calibrate", "--quick"), ("history", "--results", self.path("results"), "--add", self.run_dir)]
        os.makedirs(self.path("results"))

    def lost(self, command, says, stdout, **kw):
        r = subprocess.run([runs.TRINE, *command], stdout=stdout, stderr=subprocess.PIPE, text=True, timeout=60, check=False, **kw)
        lines = [line for line in r.stderr.splitlines() if "stdout" in line]
        self.assertEqual((r.returncode, len(lines)), (4, 1), f"{command}: {r.stderr}")
        self.assertRegex(lines[0], rf"^trine.*: cannot write to stdout: {says}; .+")

    @staticmethod
    def no_room():
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

    def test_a_file_without_room(self):
        for command in self.printers:
            with open(self.path("out"), "w", encoding="utf-8") as out:
                self.lost(command, "File too large", out, preexec_fn=self.no_room)

    def test_a_full_device(self):
        full = self.node("full", 7)
        for command in self.printers + self.keepers:
            with open(full, "w", encoding="utf-8") as out:
                self.lost(command, "No space left on device", out)

    def test_what_was_wrong_before_is_what_is_said(self):
        with open(self.path("out"), "w", encoding="utf-8") as out:
            r = subprocess.run([runs.TRINE, *self.gate, "--junit", self.root], stdout=out, stderr=subprocess.PIPE, text=True,
                               timeout=60, check=False, preexec_fn=self.no_room)
        self.assertEqual((r.returncode, len(r.stderr.splitlines())), (4, 1))
        self.assertIn("Is a directory", r.stderr)

    def test_a_reader_that_has_gone_is_no_fault(self):
        """Who ignores SIGPIPE to end in order ends as if it had been read, but for the gate: its verdict is the output."""
        for command, code, says in ((("env",), -signal.SIGPIPE, ""), (("claims", "--document"), -signal.SIGPIPE, ""),
                                    (self.printers[14], 0, ""), (self.gate, 4, "Broken pipe")):
            r, w = os.pipe()
            os.close(r)
            done = subprocess.run([runs.TRINE, *command], stdout=w, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
            os.close(w)
            self.assertEqual(done.returncode, code, command)
            self.assertIn(says, done.stderr)
            self.assertEqual("stdout" in done.stderr, code == 4, done.stderr)


class Progress(Base):
    """On a terminal alone: a file or another program gets what it asked for."""

    def measure(self, stderr, **env):
        sweep = self.put("s.ini", "[experiment yield]\nworkload = yield\nprocs = 1\ntasks = 2\nreps = 2\n")
        command = [runs.TRINE, "run", "--profile", sweep, "--backends", "trine", "--driver", "trine=" + self.driver("trine-driver-trine"),
                   "--out", self.path("out")]
        return subprocess.run(command, stdout=subprocess.DEVNULL, stderr=stderr, timeout=60, check=True, env=dict(os.environ, **env))

    def on_a_terminal(self, **env):
        ours, theirs = pty.openpty()
        self.addCleanup(os.close, ours)
        self.measure(theirs, **env)
        os.close(theirs)
        said = b""
        with contextlib.suppress(OSError):  # EIO: all was read
            while more := os.read(ours, 65536):
                said += more
        return said.decode()

    def test_a_file_gets_none(self):
        self.assertNotIn(b" left ", self.measure(subprocess.PIPE).stderr)

    def test_a_terminal_gets_it(self):
        self.assertRegex(self.on_a_terminal(TERM="xterm", NO_COLOR=""), r"\r\x1b\[K\x1b\[2m\[1/2\] .+ left ")
        self.assertNotIn("\x1b[2m", self.on_a_terminal(TERM="xterm", NO_COLOR="1"))
        dumb = self.on_a_terminal(TERM="dumb")
        self.assertRegex(dumb, r"\[1/2\] .+ left ")
        self.assertNotIn("\x1b", dumb)


if __name__ == "__main__":
    unittest.main()
