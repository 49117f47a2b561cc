/** Styles of the reference. The content security policy admits exactly this text, by its hash. */
export const STYLE = `
:root{--ink:#16202b;--soft:#566474;--line:#dfe5ec;--paper:#fff;--wash:#f5f7fa;--accent:#0b6b5d;--code:#eef2f6;
--sample:#101a26;--sample-ink:#dbe6f2;--get:#0b6b8f;--post:#0b7a4b;--delete:#b3261e;--put:#8a5a00;--bad:#b3261e;--good:#0b7a4b}
@media (prefers-color-scheme:dark){:root{--ink:#e6edf4;--soft:#9fb0c1;--line:#27333f;--paper:#0f161d;--wash:#151f29;--accent:#5fd3bf;
--code:#1b2733;--sample:#0a1017;--sample-ink:#d3e0ee;--get:#6cc5ea;--post:#5fd39a;--delete:#ff8a80;--put:#f0bf5a;--bad:#ff8a80;--good:#5fd39a}}
*{box-sizing:border-box}
html{scroll-padding-top:4.5rem;-webkit-text-size-adjust:100%}
body{margin:0;color:var(--ink);background:var(--paper);font:16px/1.6 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
a{color:var(--accent)}
code,pre{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:.875em}
:not(pre)>code{background:var(--code);border-radius:4px;padding:.1em .35em;overflow-wrap:anywhere}
.skip{position:absolute;left:-999rem}
.skip:focus{left:1rem;top:.5rem;z-index:3;background:var(--paper);padding:.25rem .5rem}
header{position:sticky;top:0;z-index:2;display:flex;align-items:baseline;gap:.75rem;padding:.8rem 1.25rem;background:var(--paper);border-bottom:1px solid var(--line)}
header p{margin:0}
.brand{font-weight:700;letter-spacing:-.01em}
.version{color:var(--soft);font-size:.85rem}
.raw{margin-left:auto;font-size:.85rem}
.layout{max-width:88rem;margin:0 auto}
nav{padding:1rem 1.25rem 0}
nav ul{list-style:none;margin:0 0 1rem;padding:0}
nav li a{display:flex;gap:.6rem;align-items:baseline;padding:.4rem .5rem;border-radius:6px;color:inherit;text-decoration:none;font-size:.9rem;line-height:1.35}
nav li a:hover{background:var(--wash)}
.group{margin:.75rem 0 .25rem;font-size:.75rem;font-weight:700;letter-spacing:.06em;text-transform:uppercase}
.group a{color:var(--soft);text-decoration:none}
.menu{border:1px solid var(--line);border-radius:8px;padding:.5rem .75rem}
.menu-wide{display:none}
summary{cursor:pointer;padding:.35rem 0}
main{padding:1rem 1.25rem 4rem;min-width:0}
h1{font-size:2rem;line-height:1.2;letter-spacing:-.02em;margin:1rem 0 .5rem}
h2{font-size:1.5rem;letter-spacing:-.01em;margin:3.5rem 0 .5rem;padding-bottom:.4rem;border-bottom:2px solid var(--line)}
h3{font-size:1.15rem;margin:0 0 .4rem}
h3 a{color:inherit;text-decoration:none}
h3 a:hover{text-decoration:underline}
h4{margin:1.5rem 0 .35rem;font-size:.8rem;letter-spacing:.05em;text-transform:uppercase;color:var(--soft)}
.basics{display:grid;gap:.25rem 1.5rem;margin:1.5rem 0 0;padding:1rem 1.25rem;background:var(--wash);border-radius:10px}
.basics dt{font-weight:600}
.basics dd{margin:0 0 .5rem}
article{padding:2rem 0 1.5rem;border-bottom:1px solid var(--line)}
article:last-child{border-bottom:0}
.endpoint{display:flex;flex-wrap:wrap;gap:.6rem;align-items:center;margin:0 0 .75rem}
.method{flex:none;display:inline-block;min-width:3.6em;font:700 .68rem/1.5 ui-monospace,SFMono-Regular,Menlo,monospace;text-align:center;border:1px solid currentColor;border-radius:4px;padding:.05rem .3rem}
.get{color:var(--get)}.post{color:var(--post)}.delete{color:var(--delete)}.put,.patch{color:var(--put)}
.fields{list-style:none;margin:0;padding:0}
.fields>li{padding:.7rem 0;border-top:1px solid var(--line)}
.fields>li:first-child{border-top:0}
.fields p{margin:.2rem 0 0;color:var(--soft);font-size:.92rem}
.fields .limits{font-size:.82rem}
.field{display:flex;flex-wrap:wrap;gap:.25rem .6rem;align-items:baseline}
.name{font-weight:600;background:none;padding:0}
.type{color:var(--soft);font-size:.82rem}
.required,.deprecated{font-size:.7rem;font-weight:700;letter-spacing:.03em;text-transform:uppercase;color:var(--bad)}
.deprecated{color:var(--put)}
.nested{margin-top:.4rem;padding:0 .9rem;border:1px solid var(--line);border-radius:8px;font-size:.95em}
.nested>summary{color:var(--soft);font-size:.85rem}
.samples{min-width:0;margin-top:1rem}
.sample-title{margin:0 0 .3rem;font-size:.8rem;letter-spacing:.05em;text-transform:uppercase;color:var(--soft);font-weight:700}
pre{margin:0 0 1rem;padding:1rem;overflow:auto;max-height:32rem;background:var(--sample);color:var(--sample-ink);border-radius:10px;line-height:1.5}
pre code{font-size:.8rem}
.answer{margin-bottom:.5rem}
.answer .nested{margin-bottom:1rem}
.status{display:inline-block;min-width:2.6rem;margin-right:.35rem;font:700 .8rem/1.6 ui-monospace,SFMono-Regular,Menlo,monospace;text-align:center;border-radius:4px;background:var(--code)}
.good{color:var(--good)}.bad{color:var(--bad)}
.refusals{margin-top:1.5rem}
.refusals>summary{font-weight:600;font-size:.92rem}
.refusals ul,.headers{list-style:none;margin:.25rem 0 0;padding:0}
.refusals li{display:flex;gap:.25rem;padding:.3rem 0;font-size:.9rem}
.refusals .status{flex:none;align-self:flex-start}
.headers{margin-bottom:.75rem;font-size:.88rem;color:var(--soft)}
@media (min-width:64rem){
.layout{display:grid;grid-template-columns:17rem minmax(0,1fr)}
nav{position:sticky;top:3.4rem;height:calc(100vh - 3.4rem);overflow-y:auto;border-right:1px solid var(--line);padding:.5rem 1rem 2rem}
.menu{display:none}.menu-wide{display:block}
main{padding:1rem 2.5rem 6rem}
.basics{grid-template-columns:8rem 1fr}
.basics dd{margin:0}
}
@media (min-width:78rem){
.columns{display:grid;grid-template-columns:minmax(0,1fr) minmax(0,1fr);gap:2.5rem}
.samples{margin-top:0;position:sticky;top:4.5rem;align-self:start;max-height:calc(100vh - 6rem);overflow-y:auto}
}
@media print{nav,.skip{display:none}pre{max-height:none;white-space:pre-wrap}}
`;
