"""What a compiled model's page adds to the look of all pages."""

from __future__ import annotations

STYLE = """
:root{--onnxruntime:#73737c;--openvino:#2f6db5;--litert:#a9640f;--tensorrt:#4a8a1c;--other:#9a4fa3}
@media(prefers-color-scheme:dark){:root{--onnxruntime:#94949e;--openvino:#6ea8e6;--litert:#e0a04f;
--tensorrt:#8cc657;--other:#cf8fd6}}
.engine-onnxruntime{--engine:var(--onnxruntime)}.engine-openvino{--engine:var(--openvino)}
.engine-litert{--engine:var(--litert)}.engine-tensorrt{--engine:var(--tensorrt)}
.engine-other{--engine:var(--other)}
.field{fill:var(--engine);opacity:.14}.node circle{fill:var(--engine);stroke:var(--back);
stroke-width:1.5}.node:hover circle{stroke:var(--text)}
.edge{fill:none;stroke:var(--mark);stroke-width:1.2;opacity:.75}.far{stroke-dasharray:2 2}
.label{font-size:11.5px;fill:var(--quiet)}
.graph{margin:20px 0 0}.graph svg{min-width:760px;width:100%}
.swatch{display:inline-block;width:11px;height:11px;border-radius:3px;background:var(--engine);
margin-right:7px;flex:none}
.engine{white-space:nowrap}
.keys{display:flex;flex-wrap:wrap;gap:4px 20px;margin:10px 0 0;font-size:13px;color:var(--quiet);
max-width:none}.keys span{display:flex;align-items:center}
.call{width:100%;margin:4px 0 0}
.call+p{margin-top:14px}
.call text{font-size:12px;fill:var(--quiet)}
.call svg{overflow:hidden}
.call .part rect{fill:var(--engine,var(--mark));stroke:var(--back);stroke-width:.5}
.call .kernel rect{opacity:.42}
.call .part text{fill:var(--back);font-size:11.5px}.call .kernel text{fill:var(--text)}
.call .part:hover rect{stroke:var(--text);stroke-width:1;opacity:1}
.call .room{fill:var(--line);opacity:.45}.call .tick{stroke:var(--line)}
h3{font-size:15px;font-weight:600;margin:36px 0 6px}
p strong{font-weight:600;color:var(--text)}
code{font:13px ui-monospace,Menlo,Consolas,monospace}
li code{margin-right:8px}li p{margin:4px 0 0}
.has b{font-weight:600}.lacks{color:var(--quiet)}
.grid td,.grid th{white-space:nowrap}.grid .left{text-align:left;white-space:normal}
.grid th[scope=row]{min-width:9em}.segments thead th:nth-child(2),.kernels thead th:nth-child(2),
.reasons thead th:nth-child(n+3),.nodes thead th:nth-child(2),.nodes thead th:nth-child(3),
.nodes thead th:nth-child(n+5),.shapes thead th:nth-child(2){text-align:left}
.grid.shapes th[scope=row]{white-space:normal}
.features{display:grid;grid-template-columns:repeat(auto-fit,minmax(260px,1fr));gap:0 32px}
.segments th small{white-space:normal;max-width:24em}.reasons code{white-space:nowrap}
.reasons .left>div+div{margin-top:6px}
details details{margin-left:18px}
@media(max-width:640px){.call .part text,.reasons thead{display:none}.reasons,
.reasons tbody{display:block}
.reasons tr{display:flex;flex-wrap:wrap;gap:0 14px;align-items:baseline;padding:9px 0;
border-bottom:1px solid var(--line)}.reasons th,.reasons td{border:0;padding:0}
.reasons th[scope=row]{min-width:0}.reasons td:last-child{flex:1 0 100%}}
"""
