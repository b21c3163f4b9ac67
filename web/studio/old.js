// The plainest JavaScript there is: it tells browsers that cannot read the studio's modules.

/** Say so, in both languages. */
function tell() {
  document.body.innerHTML =
    '<p class="stopped">This browser is too old for the studio. It runs in Chrome, Edge and ' +
    "Firefox of 2021 or later and in Safari 16.4 or later.</p>" +
    '<p class="stopped" lang="es">Este navegador es demasiado antiguo. El estudio funciona en ' +
    "Chrome, Edge y Firefox desde 2021 y en Safari desde 16.4.</p>";
}

if ("noModule" in HTMLScriptElement.prototype) {
  window.addEventListener("error", function (event) {
    if (event.error instanceof SyntaxError && document.getElementById("studio")) tell();
  });
} else {
  tell();
}
