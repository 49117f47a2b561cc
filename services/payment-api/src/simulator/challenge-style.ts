/** The whole style of the simulator's bank page; its hash is in the page's policy, so no other style applies. */
export const CHALLENGE_STYLE = `
:root { color-scheme: light dark; --ink: #17212b; --quiet: #51606f; --paper: #ffffff; --ground: #eef1f5; --line: #d3dae2;
  --yes: #0b6b3a; --no: #a4262c; --notice: #7a4b00; --notice-ground: #fff4d6; }
@media (prefers-color-scheme: dark) { :root { --ink: #f0f3f6; --quiet: #a9b6c3; --paper: #18212b; --ground: #0d141b;
  --line: #35424f; --yes: #12804a; --no: #bf3a40; --notice: #ffd98a; --notice-ground: #38290a; } }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; padding: 1rem; background: var(--ground); color: var(--ink);
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
main { max-width: 26rem; margin: 0 auto; padding: 1.25rem; background: var(--paper); border: 1px solid var(--line);
  border-radius: .75rem; }
.notice { margin: 0 0 1.25rem; padding: .625rem .875rem; border-radius: .5rem; background: var(--notice-ground);
  color: var(--notice); font-size: .9375rem; }
h1 { margin: 0 0 .25rem; font-size: 1.375rem; line-height: 1.25; }
p { margin: 0 0 1rem; }
.quiet { color: var(--quiet); }
dl { margin: 0 0 1.5rem; border-top: 1px solid var(--line); }
dl div { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 0 1rem; padding: .625rem 0;
  border-bottom: 1px solid var(--line); }
dt { color: var(--quiet); }
dd { margin: 0; font-weight: 600; overflow-wrap: anywhere; }
button { display: block; width: 100%; min-height: 3rem; margin: 0 0 .75rem; padding: .625rem 1rem; border: 1px solid transparent;
  border-radius: .5rem; font: inherit; font-weight: 600; color: #ffffff; cursor: pointer; }
button:last-child { margin-bottom: 0; }
.yes { background: var(--yes); }
.no { background: var(--no); }
.plain { background: none; border-color: var(--line); color: var(--ink); }
button:hover { filter: brightness(1.1); }
button:focus-visible { outline: 3px solid currentColor; outline-offset: 2px; }
.yes:focus-visible, .no:focus-visible { outline-color: var(--ink); }
@media (min-width: 40rem) { body { padding: 4rem 1rem; } main { padding: 2rem; } }
`;
