"""What a shrink's page adds to the look of all pages."""

from __future__ import annotations

STYLE = """
.size{width:100%;height:6px;overflow:hidden;border-radius:3px}
.track{fill:var(--line)}.accent{fill:var(--accent)}
figure{margin:44px 8px 0 34px}
.chart{width:100%}
.chart text{font-size:12px}
.axis{fill:var(--quiet)}.grid{stroke:var(--line)}
.way{stroke:var(--mark);stroke-width:1.5;opacity:.7}
.dot{fill:var(--text)}
.float{fill:var(--back);stroke:var(--text);stroke-width:1.5}
circle.jumped{fill:var(--accent)}
line.jump{stroke:var(--accent);stroke-dasharray:3 3}text.jump{fill:var(--accent)}
.hit{fill:transparent}g:hover>.hit{fill:var(--mark);opacity:.22}
figcaption{display:flex;flex-wrap:wrap;gap:4px 20px;margin-top:28px;font-size:13px;
color:var(--quiet)}
.end{margin-right:auto}.key{display:flex;align-items:center;gap:7px}
.pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,420px),1fr));gap:0 56px;
align-items:start}
.all th:nth-child(-n+4){text-align:left}.all thead th:nth-child(9){text-align:left}
.all td:first-child,.all thead th:first-child{text-align:right}
.all td,.all thead th{white-space:nowrap}.all th,.all td{padding-left:15px}
.all .left{white-space:normal}.all th[scope=row]{min-width:12em}
.all .why{min-width:11em}
.jumped>td:last-of-type small,.jumped small{color:var(--accent)}
.outputs td{white-space:nowrap}
.outputs th[scope=row]{min-width:9em}
@media(min-width:1160px){.wide{overflow:visible}
.all thead th{position:sticky;top:0;background:var(--back)}}
"""
