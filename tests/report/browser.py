"""A headless Chromium over its DevTools protocol, spoken through a pipe: no library, no socket, no network."""
import base64
import json
import os
import select
import shutil
import subprocess
import tempfile
import time

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
LIMIT_S = 60


def find():
    return next((path for name in NAMES if (path := shutil.which(name))), None)


class Browser:
    """One browser with one page. Console errors and every address asked for are kept in `errors` and `requests`."""

    def __init__(self, path):
        self.profile = tempfile.mkdtemp(prefix="trine-chromium-")
        read_by_browser, self.out = os.pipe()
        self.inp, written_by_browser = os.pipe()

        def to_3_and_4():                 # where --remote-debugging-pipe reads and writes
            a, b = os.dup(read_by_browser), os.dup(written_by_browser)
            os.dup2(a, 3)
            os.dup2(b, 4)

        self.process = subprocess.Popen(
            [path, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--no-proxy-server",
             "--disable-background-networking", "--disable-component-update", "--remote-debugging-pipe",
             f"--user-data-dir={self.profile}"],
            preexec_fn=to_3_and_4, close_fds=False, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(read_by_browser)
        os.close(written_by_browser)
        self.buffer, self.serial, self.session = b"", 0, None
        self.errors, self.requests, self.events = [], [], set()
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")

    def close(self):
        for end in (self.out, self.inp):
            os.close(end)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.profile, ignore_errors=True)

    def _read(self, until):
        while b"\0" not in self.buffer:
            if not select.select([self.inp], [], [], max(0, until - time.monotonic()))[0]:
                raise TimeoutError("the browser does not answer")
            data = os.read(self.inp, 1 << 20)
            if not data:
                raise ConnectionError("the browser has ended")
            self.buffer += data
        text, self.buffer = self.buffer.split(b"\0", 1)
        message = json.loads(text)
        self._event(message.get("method"), message.get("params", {}))
        return message

    def _event(self, method, p):
        self.events.add(method)
        if method == "Runtime.exceptionThrown":
            self.errors.append(p["exceptionDetails"]["text"])
        elif method == "Runtime.consoleAPICalled" and p["type"] in ("error", "warning", "assert"):
            self.errors.append(str(p["args"]))
        elif method == "Log.entryAdded" and p["entry"]["level"] == "error":
            self.errors.append(p["entry"]["text"])
        elif method == "Network.requestWillBeSent":
            self.requests.append(p["request"]["url"])

    def call(self, method, **params):
        self.serial += 1
        message = {"id": self.serial, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self.out, data):]
        until = time.monotonic() + LIMIT_S
        while True:
            answer = self._read(until)
            if answer.get("id") == self.serial:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]

    def js(self, expression):
        """The value of a JavaScript expression."""
        r = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in r:
            raise RuntimeError(f"{expression}: {r['exceptionDetails']}")
        return r["result"].get("value")

    def open(self, path):
        """Opens a file and waits for its load event; the time from navigation to its end in ms."""
        self.events.discard("Page.loadEventFired")
        self.call("Page.navigate", url="file://" + os.path.abspath(path))
        until = time.monotonic() + LIMIT_S
        while "Page.loadEventFired" not in self.events:
            self._read(until)
        return self.js("new Promise(r => requestAnimationFrame(() => requestAnimationFrame(() => r(performance.now()))))")

    def key(self, key, code, text=""):
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code,
                      **({"text": text} if text and kind == "keyDown" else {}))

    def media(self, media="", scheme="light"):
        self.call("Emulation.setEmulatedMedia", media=media, features=[{"name": "prefers-color-scheme", "value": scheme}])

    def size(self, width, height, phone=False):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=phone)

    def picture(self, path, whole=True, only=None):
        """Of the window, the whole page, or only the element that a selector finds."""
        clip = {}
        if only:
            box = self.js(f"(() => {{ const r = document.querySelector({json.dumps(only)}).getBoundingClientRect();"
                          "return [r.x + scrollX, r.y + scrollY, r.width, r.height] })()")
            clip = {"clip": dict(zip(("x", "y", "width", "height"), box), scale=1)}
        r = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole or bool(only), **clip)
        with open(path, "wb") as f:
            f.write(base64.b64decode(r["data"]))
