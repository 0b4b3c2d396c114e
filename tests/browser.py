"""Drive notebooks in a real JupyterLab in headless Chromium. The fixture ``lab`` (conftest.py) hands out a `Lab`."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, urlsplit

COMMANDS = (
    "chromium",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
    "microsoft-edge",
    "msedge",
    "chromium-browser",
)
PLACES = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
    *(
        os.path.join(os.environ[folder], *tail)
        for folder in ("PROGRAMFILES", "PROGRAMFILES(X86)", "LOCALAPPDATA")
        if folder in os.environ
        for tail in (
            ("Google", "Chrome", "Application", "chrome.exe"),
            ("Chromium", "Application", "chrome.exe"),
            ("Microsoft", "Edge", "Application", "msedge.exe"),
        )
    ),
)
NO_CHROMIUM = (
    f"no Chromium is installed: looked for {', '.join(COMMANDS)} on the PATH and in the usual places. "
    "Install Chromium, Chrome or Edge to run the browser tests."
)
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # the workbook works offline: no other host than this one can be reached
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)
SETTINGS = {
    # JupyterLab asks no questions and fetches no news; every cell is in the page, not only the visible ones
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "notebook-extension/tracker": {"windowingMode": "none"},
}
CONNECTED = """() => {
    const panel = window.jupyterapp?.shell?.currentWidget, context = panel?.sessionContext;
    const kernel = context?.session?.kernel;
    return Boolean(panel?.content?.model?.cells?.length && context.isReady
        && kernel?.connectionStatus === "connected" && kernel.status === "idle");
}"""
RUN_ALL = """async () => {
    const {commands} = window.jupyterapp;
    await commands.execute("notebook:clear-all-cell-outputs");  // stored counts and outputs must not count
    window.crmlabRun = {done: false};
    commands.execute("notebook:run-all-cells").catch(String).then(() => { window.crmlabRun.done = true; });
}"""
CELLS = """() => window.jupyterapp.shell.currentWidget.content.widgets.map((widget, index) => {
    const cell = widget.model.toJSON();
    return {index, type: cell.cell_type, source: [cell.source].flat().join(""),
            count: cell.execution_count ?? null, outputs: cell.outputs ?? []};
})"""


def chromium() -> str | None:
    """Return the path of an installed Chromium, Chrome or Edge, or None."""
    found = (shutil.which(command) for command in COMMANDS)
    return next((path for path in (*found, *PLACES) if path and os.path.exists(path)), None)


@dataclass
class Notebook:
    """A notebook open in JupyterLab; `page` is playwright's page, for clicks and sliders."""

    page: object
    foreign: list[str] = field(default_factory=list)  # addresses outside this machine that the page asked for

    def run_all(self, timeout: float = 120) -> list[dict]:
        """Run all cells and return them; raise AssertionError naming the first cell that failed or did not run."""
        self.page.evaluate(RUN_ALL)
        self.page.wait_for_function("() => window.crmlabRun.done", timeout=timeout * 1000)
        cells = self.cells()
        for cell in cells:
            if cell["type"] != "code" or not cell["source"].strip():
                continue
            for output in cell["outputs"]:
                assert output["output_type"] != "error", (
                    f"cell {cell['index']} raised {output['ename']}: {output['evalue']}\n{cell['source']}"
                )
            assert cell["count"], f"cell {cell['index']} did not run:\n{cell['source']}"
        return cells

    def cells(self) -> list[dict]:
        """Return index, type, source, count and outputs of every cell as the page has them now."""
        return self.page.evaluate(CELLS)

    def cell(self, index: int) -> object:
        """Return playwright's locator of cell `index`, scrolled into view."""
        locator = self.page.locator(".jp-Notebook .jp-Cell").nth(index)
        locator.scroll_into_view_if_needed()
        return locator


@dataclass
class Lab:
    """A JupyterLab server on `folder`, with a browser."""

    url: str
    token: str
    folder: Path
    browser: object

    @contextlib.contextmanager
    def open(self, notebook: Path, timeout: float = 60) -> Iterator[Notebook]:
        """Open a copy of `notebook` and wait until its kernel is connected: sooner, "Run All" is dropped."""
        from playwright.sync_api import TimeoutError

        shutil.copy(notebook, self.folder / notebook.name)
        page = self.browser.new_page(viewport={"width": 1400, "height": 1000})
        opened = Notebook(page)
        page.on(
            "request",
            lambda request: (
                urlsplit(request.url).hostname in ("127.0.0.1", None) or opened.foreign.append(request.url)
            ),
        )
        try:
            # a workspace of its own: the shared one would open earlier notebooks again
            path = f"lab/workspaces/{quote(notebook.stem)}/tree/{quote(notebook.name)}"
            page.goto(f"{self.url}{path}?token={self.token}")
            try:
                page.wait_for_function(CONNECTED, timeout=timeout * 1000)
            except TimeoutError as error:
                asked = " ".join(page.locator(".jp-Dialog").all_inner_texts())
                raise RuntimeError(f"{notebook.name}: no kernel after {timeout:g} s. {asked}") from error
            yield opened
        finally:
            page.close()
            for session in json.loads(self.request("GET", "api/sessions")):
                self.request("DELETE", f"api/sessions/{session['id']}")

    def request(self, method: str, path: str) -> bytes:
        """Ask the server's REST interface."""
        headers = {"Authorization": f"token {self.token}"}
        request = urllib.request.Request(self.url + path, method=method, headers=headers)
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with direct.open(request, timeout=30) as answer:
            return answer.read()


@contextlib.contextmanager
def start_lab(folder: Path) -> Iterator[Lab]:
    """Start a server that knows nothing of the user's settings, and a browser; stop both at the end."""
    from playwright.sync_api import sync_playwright

    work, private = folder / "work", folder / "private"
    work.mkdir()
    for name, settings in SETTINGS.items():
        file = private / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        file.parent.mkdir(parents=True)
        file.write_text(json.dumps(settings), encoding="utf-8")
    environment = os.environ | {
        "JUPYTER_CONFIG_DIR": str(private / "config"),
        "JUPYTER_DATA_DIR": str(private / "data"),
        "JUPYTER_RUNTIME_DIR": str(private / "runtime"),
        "JUPYTERLAB_SETTINGS_DIR": str(private / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(private / "workspaces"),
    }
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1"]
    command += [f"--ServerApp.root_dir={work}", "--LabApp.expose_app_in_browser=True"]
    log = private / "server.log"
    with open(log, "wb") as sink:
        server = subprocess.Popen(command, env=environment, stdout=sink, stderr=subprocess.STDOUT)
    try:
        info = _wait_for(server, private / "runtime", log)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium(), args=list(FLAGS))
            lab = Lab(info["url"], info["token"], work, browser)
            try:
                yield lab
            finally:
                browser.close()
                lab.request("POST", "api/shutdown")  # ends the kernels too, on every system
                server.wait(30)
    finally:
        if server.poll() is None:
            server.terminate()
            server.wait(30)


def _wait_for(server: subprocess.Popen, runtime: Path, log: Path, timeout: float = 60) -> dict:
    """Return what the server writes down about itself once it listens: its port is the one it really got."""
    until = time.monotonic() + timeout
    while time.monotonic() < until and server.poll() is None:
        for file in runtime.glob("jpserver-*.json"):
            with contextlib.suppress(json.JSONDecodeError):  # still being written
                return json.loads(file.read_text(encoding="utf-8"))
        time.sleep(0.1)
    raise RuntimeError(f"JupyterLab did not start:\n{log.read_text(encoding='utf-8', errors='replace')}")
