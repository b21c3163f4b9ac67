"""The look that all report pages share."""

from __future__ import annotations

STYLE = """
:root{--back:#fafaf8;--line:#e2e1dc;--text:#1f1f22;--quiet:#65656c;--mark:#8d8d94;--accent:#8c6515;
color-scheme:light dark}
@media(prefers-color-scheme:dark){:root{--back:#1b1b1d;--line:#36363a;--text:#ececee;
--quiet:#a0a0a8;--mark:#8a8a92;--accent:#d0ac68}}
*{box-sizing:border-box}
body{margin:0;background:var(--back);color:var(--text);font:15px/1.5 system-ui,-apple-system,
"Segoe UI",Roboto,"Helvetica Neue",sans-serif;font-variant-numeric:tabular-nums}
main,footer{max-width:1120px;margin:0 auto;padding:0 20px}
main{padding-top:40px}
footer{padding-top:32px;padding-bottom:40px;color:var(--quiet);font-size:13px}
h1{font-size:26px;line-height:1.25;font-weight:600;margin:0 0 20px;overflow-wrap:anywhere}
h2{font-size:18px;font-weight:600;margin:56px 0 4px;overflow-wrap:anywhere}
p{margin:0 0 16px;color:var(--quiet);max-width:44em}
small{display:block;font-size:13px;font-weight:400;color:var(--quiet);overflow-wrap:anywhere}
a{color:inherit;text-decoration-color:var(--mark);text-underline-offset:3px}
:focus-visible{outline:2px solid var(--accent);outline-offset:3px}
.over{margin:0;font-size:13px}
.sizes{margin:0 0 10px;font-size:34px;line-height:1.2;color:var(--quiet);max-width:none}
.sizes strong{font-weight:600;color:var(--text)}
.sizes .ratio{font-size:18px;font-weight:400;color:var(--accent);margin-left:14px;
white-space:nowrap}
.hidden{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);
white-space:nowrap}
svg{display:block;overflow:visible}
.facts+p{margin-top:20px}
.facts{display:grid;grid-template-columns:repeat(auto-fit,minmax(140px,1fr));gap:22px 32px;
margin:26px 0 0}
dt{font-size:13px;color:var(--quiet)}
dd{margin:0;font-size:22px;line-height:1.35;overflow-wrap:anywhere}
dd small{line-height:1.45}
table{border-collapse:collapse;width:100%;font-size:14px}
th,td{padding:7px 0 7px 18px;border-bottom:1px solid var(--line);text-align:right;
vertical-align:top;font-weight:400}
th:first-child,td:first-child{padding-left:0}
thead th{color:var(--quiet);font-size:13px;vertical-align:bottom}
tbody th,.left,thead th:first-child{text-align:left}
tbody th{overflow-wrap:anywhere}
.ranking td{white-space:nowrap;width:5.5em}.ranking a{color:var(--quiet)}
.gauge{width:100%;height:5px;margin-top:5px}.bar{fill:var(--mark)}
.hollow{fill:none;stroke:var(--mark)}.zero{stroke:var(--mark)}
.wide{overflow-x:auto;position:relative}
ul{margin:0;padding:0;list-style:none}
li{padding:9px 0;border-bottom:1px solid var(--line)}
summary{padding:9px 0;color:var(--quiet);cursor:pointer;font-size:14px}
:target{background:var(--line)}
@media(max-width:480px){main{padding-top:24px}h2{margin-top:44px}.sizes{font-size:28px}
.sizes .ratio{display:block;margin:4px 0 0;white-space:normal}}
"""
