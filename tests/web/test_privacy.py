"""No photo leaves this machine: nothing asks elsewhere, and nothing could."""

from __future__ import annotations

from pathlib import Path

import pytest

from homebody.server.site import Site, file_of

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"

# Each way of reaching another origin that a page has, and what came of it: "refused" is right.
WAYS = {
    "fetch": "fetch(url, { mode: 'no-cors' }).then(() => 'sent', () => 'refused')",
    "request": """new Promise((done) => {
      const request = new XMLHttpRequest();
      request.onload = () => done("sent");
      request.onerror = () => done("refused");
      request.open("POST", url);
      request.send("photo");
    })""",
    "beacon": "Promise.resolve(navigator.sendBeacon(url, 'photo')).then(() => 'refused')",
    "socket": """new Promise((done) => {
      const socket = new WebSocket(url.replace("http", "ws"));
      socket.onopen = () => done("sent");
      socket.onerror = () => done("refused");
    })""",
    "events": """new Promise((done) => {
      const source = new EventSource(url);
      source.onerror = () => { source.close(); done("refused"); };
    })""",
    "image": """new Promise((done) => {
      const image = new Image();
      image.onload = () => done("sent");
      image.onerror = () => done("refused");
      image.src = url + "?photo";
    })""",
    "style": """new Promise((done) => {
      const link = Object.assign(document.createElement("link"), { rel: "stylesheet", href: url });
      link.onload = () => done("sent");
      link.onerror = () => done("refused");
      document.head.append(link);
    })""",
    "script": """new Promise((done) => {
      const script = Object.assign(document.createElement("script"), { src: url });
      script.onload = () => done("sent");
      script.onerror = () => done("refused");
      document.head.append(script);
    })""",
    "module": "import(url).then(() => 'sent', () => 'refused')",
    "frame": """new Promise((done) => {
      const blocked = (event) => event.violatedDirective === "frame-src" && done("refused");
      document.addEventListener("securitypolicyviolation", blocked);
      document.body.append(Object.assign(document.createElement("iframe"), { src: url }));
    })""",
    "form": """new Promise((done) => {
      document.addEventListener("securitypolicyviolation", () => done("refused"));
      const form = Object.assign(document.createElement("form"), { action: url, method: "post" });
      document.body.append(form);
      form.submit();
    })""",
    "worker": """new Promise((done) => {
      try {
        const worker = new Worker(url);
        worker.onmessage = () => done("sent");
        worker.onerror = () => done("refused");
      } catch { done("refused"); }
    })""",
}
LEAK = (
    b"fetch(name, {mode: 'no-cors'}).then(() => postMessage('sent'), () => postMessage('refused'));"
)


class Elsewhere(Site):
    """Another origin, which remembers who asked it."""

    def __init__(self) -> None:
        super().__init__({})
        self.asked: list[str] = []

    def answer(self, method, path, headers):
        self.asked.append(f"{method} {path}")
        return super().answer(method, path, headers)


@pytest.fixture
def elsewhere(serve):
    """A second server on this machine: for the policy it is as far away as any."""
    site = Elsewhere()
    server = serve(site)
    return site, server.url


@pytest.mark.parametrize("kept", [False, True], ids=["served", "from the service worker"])
def test_no_way_leads_elsewhere(context, watch, serve, site_files, elsewhere, kept):
    away, url = elsewhere
    files = {**site_files, "/leak.js": file_of(LEAK, "text/javascript")}
    server = serve(Site(files))
    page = context.new_page()
    page.goto(server.url)
    if kept:
        page.evaluate("async () => { await navigator.serviceWorker.ready; }")
        page.reload()
        page.wait_for_function("() => navigator.serviceWorker.controller !== null")
    for name, way in WAYS.items():
        assert page.evaluate(f"(url) => {way}", f"{url}{name}") == "refused", name
    leak = """(url) => new Promise((done) => {
      const worker = new Worker("/leak.js", { name: url });
      worker.onmessage = ({ data }) => done(data);
    })"""
    assert page.evaluate(leak, f"{url}worker") == "refused"
    assert away.asked == []


def test_the_probe_sees_what_a_page_without_the_policy_sends(context, serve, elsewhere):
    away, url = elsewhere

    class Open(Site):
        def answer(self, method, path, headers):
            found = super().answer(method, path, headers)
            rest = tuple(one for one in found.headers if one[0] != "content-security-policy")
            return type(found)(found.status, rest, found.body)

    server = serve(Open({"/": file_of(b"<!doctype html><body>", "text/html")}))
    page = context.new_page()
    page.goto(server.url)
    for name in ("fetch", "image", "script"):
        page.evaluate(f"(url) => {WAYS[name]}", f"{url}{name}")
    assert {f"GET /{name}" for name in ("fetch", "image", "script")} <= set(away.asked)


INJECTED = {
    "script": """const script = document.createElement("script");
      script.textContent = "window.ran = 1";
      document.body.append(script);""",
    "handler": """document.body.innerHTML = '<img src="x:" onerror="window.ran = 1">';""",
    "link": """document.body.innerHTML = '<a href="javascript:window.ran = 1">a</a>';
      document.querySelector("a").click();""",
    "function": """try { new Function("window.ran = 1")(); } catch {}""",
    "timer": """try { setTimeout("window.ran = 1", 0); } catch {}""",
    "style": """document.body.innerHTML = '<p style="color: red">a</p>';
      if (getComputedStyle(document.querySelector("p")).color === "rgb(255, 0, 0)") ran = 1;""",
}


@pytest.mark.parametrize("name", INJECTED)
def test_injected_code_does_not_run(context, serve, site_files, name):
    # From a file of the site: what a driver evaluates is free of the policy.
    probe = f"""addEventListener("securitypolicyviolation", () => (window.blocked = true));
      {INJECTED[name]}"""
    server = serve(Site({**site_files, "/probe.js": file_of(probe.encode(), "text/javascript")}))
    page = context.new_page()
    page.goto(f"{server.url}blank.html")
    page.evaluate("async () => { await import('/probe.js'); }")
    page.wait_for_function("() => window.blocked")
    assert page.evaluate("() => window.ran") is None


def test_a_whole_session_asks_nobody_else(context, watch, site):
    page = context.new_page()
    page.goto(site)
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Open photos").first.click()
    chooser.value.set_files(EXAMPLES / "coast.jpg")
    page.evaluate("async () => { await navigator.serviceWorker.ready; }")
    answer = page.evaluate(
        """async () => {
          const { Engine } = await import("/engine.js");
          const engine = await Engine.start({ base: new URL("/", location.href) });
          const photo = await (await fetch("/studio/samples/coast.jpg")).blob();
          const { id } = await engine.open(photo);
          const { presets } = await engine.suggest(id, { member: false });
          const how = { type: "image/jpeg", quality: 90, gps: false };
          const file = await engine.export(id, presets[0].id, 100, how);
          const report = await engine.check();
          return [presets.length, file.size > 0, report.passed];
        }"""
    )
    assert answer == [6, True, True]
    page.reload()
    assert len(watch.requests) > 20
    watch.require_clean()


def test_nothing_of_ours_names_another_host(site_files):
    """Our own modules and pages hold no URL of another machine, namespaces apart."""
    import re

    allowed = {"www.w3.org", "ns.adobe.com", "127.0.0.1", "purl.org", "example.org"}
    for url, file in site_files.items():
        if url.startswith("/vendor/") or not file.type.startswith("text/"):
            continue
        hosts = set(re.findall(r"(?:https?|wss?)://([\w.-]+)", file.read().decode()))
        assert hosts <= allowed, url
