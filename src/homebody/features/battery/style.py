"""What the twin's pages add to the look of all pages."""

from __future__ import annotations

STYLE = """
:root{--true:#1f1f22;--pristine:#9a9aa2;--twin:#8c6515;--other:#3f6f9e}
@media(prefers-color-scheme:dark){:root{--true:#ececee;--pristine:#85858d;--twin:#d0ac68;
--other:#86b4de}}
h1{margin:0 0 12px}
h2{margin:0 0 4px}
.facts{grid-template-columns:repeat(auto-fit,minmax(150px,1fr))}
.figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,420px),1fr));
gap:52px 56px;margin-top:52px}
figure{margin:0;display:flex;flex-direction:column}
figcaption{flex:1}
.plot{width:100%;height:auto;font-family:inherit}
section{margin-top:60px}
th,td{white-space:nowrap}
tbody th{white-space:normal;min-width:11em;vertical-align:middle}
tbody td{vertical-align:middle}
tr.twin>*{color:var(--twin)}
tbody+tbody th[colspan],tbody th[colspan]{padding-top:22px;color:var(--quiet);font-size:13px}
.short{max-width:26em}
"""
