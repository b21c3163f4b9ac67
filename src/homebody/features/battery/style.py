"""The pages' look."""

from __future__ import annotations

STYLE = """
:root{--back:#fafaf8;--line:#e2e1dc;--text:#1f1f22;--quiet:#65656c;--mark:#8d8d94;
--true:#1f1f22;--pristine:#9a9aa2;--twin:#8c6515;--other:#3f6f9e;color-scheme:light dark}
@media(prefers-color-scheme:dark){:root{--back:#1b1b1d;--line:#36363a;--text:#ececee;
--quiet:#a0a0a8;--mark:#8a8a92;--true:#ececee;--pristine:#85858d;--twin:#d0ac68;--other:#86b4de}}
*{box-sizing:border-box}
body{margin:0;background:var(--back);color:var(--text);font:15px/1.5 system-ui,-apple-system,
"Segoe UI",Roboto,"Helvetica Neue",sans-serif;font-variant-numeric:tabular-nums}
main,footer{max-width:1120px;margin:0 auto;padding:0 20px}
main{padding-top:40px}
footer{padding-top:32px;padding-bottom:40px;color:var(--quiet);font-size:13px}
h1{font-size:26px;line-height:1.25;font-weight:600;margin:0 0 12px;overflow-wrap:anywhere}
h2{font-size:18px;font-weight:600;margin:0 0 4px}
p{margin:0 0 16px;color:var(--quiet);max-width:44em}
small{display:block;font-size:13px;font-weight:400;color:var(--quiet)}
:focus-visible{outline:2px solid var(--twin);outline-offset:3px}
.over{margin:0;font-size:13px}
.facts{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:22px 32px;
margin:26px 0 0}
dt{font-size:13px;color:var(--quiet)}
dd{margin:0;font-size:22px;line-height:1.35}
.figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,420px),1fr));
gap:52px 56px;margin-top:52px}
figure{margin:0;display:flex;flex-direction:column}
figcaption{flex:1}
.plot{display:block;width:100%;height:auto;overflow:visible;font-family:inherit}
section{margin-top:60px}
.wide{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:14px}
th,td{padding:7px 0 7px 18px;border-bottom:1px solid var(--line);text-align:right;
font-weight:400;white-space:nowrap}
th:first-child{padding-left:0;text-align:left}
tbody th{white-space:normal;min-width:11em}
thead th{color:var(--quiet);font-size:13px;vertical-align:bottom}
tr.twin>*{color:var(--twin)}
tbody+tbody th[colspan],tbody th[colspan]{padding-top:22px;color:var(--quiet);font-size:13px}
.short{max-width:26em}
@media(max-width:480px){main{padding-top:24px}}
"""
