// For browsers that know no modules: the plainest JavaScript there is.
document.body.innerHTML =
  '<p class="stopped">This browser is too old for the studio. It runs in Chrome, Edge and Firefox of 2021 or ' +
  "later and in Safari 16.4 or later.</p>" +
  '<p class="stopped" lang="es">Este navegador es demasiado antiguo. El estudio funciona en Chrome, Edge y Firefox ' +
  "desde 2021 y en Safari desde 16.4.</p>";
