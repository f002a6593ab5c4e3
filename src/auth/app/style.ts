// How the pages of the login host look, beyond the sheet of every page: forms, lists, tables, notices, dialogs.

import { pageStyle } from '../../pages/style.ts'

/**
 * One sheet for all of them, written into each page: it is 6 kB, and a page stays one request. Controls are 48 px high
 * (WCAG 2.2 §2.5.8 asks for 24), text in them is 17 px, so that no phone zooms in. Class names are words of the page.
 */
export const appStyle = `${pageStyle}${[
  // The shell: a sheet of paper on a desk, the whole screen on a phone.
  'main{padding-top:clamp(2.5rem,9vh,6rem)}',
  'main.narrow{max-width:29rem}',
  'main.wide{max-width:46rem}',
  '.mark{width:2.5rem;height:2.5rem;margin-bottom:1.75rem}',
  'h1{font-size:clamp(1.625rem,1.3rem + 1.6vw,2.125rem)}',
  'h2{margin:0;font-size:1.1875rem;font-weight:620;line-height:1.3;letter-spacing:-.01em}',
  'p{overflow-wrap:break-word}',
  '.lead+*,h1+*:not(.lead){margin-top:2rem}',
  'h2+p,h2+.hint{margin-top:.25rem}',
  'section{margin-top:3rem}',
  'section>*+*{margin-top:1rem}',
  'a{color:var(--accent);text-underline-offset:.2em}',
  // Forms.
  'form{margin:0}',
  '.stack>*{margin-top:0;margin-bottom:0}.stack>*+*{margin-top:1.25rem}',
  '.field label,legend{display:block;margin:0 0 .375rem;font-weight:560}',
  'fieldset{min-width:0;margin:0;padding:0;border:0}',
  'input,select,textarea,button{font:inherit;color:inherit}',
  'input:not([type=checkbox],[type=radio]),select,textarea{display:block;width:100%;min-height:3rem;padding:.625rem .875rem;border:1px solid var(--line);border-radius:.625rem;background:var(--raised)}',
  'input[autocomplete=one-time-code]{max-width:11rem;font-family:var(--mono);font-size:1.375rem;letter-spacing:.2em}',
  'input.code{font-family:var(--mono);letter-spacing:.06em}',
  'input[aria-invalid=true]{border-color:var(--danger);box-shadow:inset 0 0 0 1px var(--danger)}',
  ':is(input,select,textarea,button,summary,[tabindex]):focus-visible{outline:3px solid var(--accent);outline-offset:2px}',
  '.hint{margin:.375rem 0 0;color:var(--soft);font-size:.9375rem;line-height:1.5}',
  '.error{margin:.375rem 0 0;color:var(--danger);font-size:.9375rem;line-height:1.5}',
  '.check{display:flex;align-items:center;gap:.75rem;min-height:2.75rem;cursor:pointer}',
  '.check input{flex:none;width:1.25rem;height:1.25rem;margin:0;accent-color:var(--accent)}',
  // Buttons. `.button` is the one thing to do; `.quiet` is another way; `.plain` looks like a link.
  '.button{cursor:pointer;text-align:center}',
  '.narrow form .button,.narrow .ways .button{display:block;width:100%}',
  '.button svg{width:1.25rem;height:1.25rem;margin:-.1875rem .625rem -.1875rem 0;vertical-align:-.125rem}',
  '.button.danger{background:transparent;border-color:var(--danger);color:var(--danger)}',
  '.button[disabled],.button[aria-disabled=true]{opacity:.55;cursor:default;text-decoration:none}',
  '.button.small{min-height:2.75rem;padding:.5625rem 1rem;font-size:.9375rem}',
  'button.plain{display:inline-block;min-height:2.75rem;padding:.5rem 0;border:0;background:none;color:var(--accent);text-decoration:underline;text-underline-offset:.2em;cursor:pointer}',
  '.row{display:flex;flex-wrap:wrap;align-items:center;gap:.75rem 1rem}',
  '.row.between{justify-content:space-between}',
  // Ways to sign in, and what parts them.
  '.ways>*+*{margin-top:.75rem}',
  '.or{display:flex;align-items:center;gap:1rem;margin:1.75rem 0;color:var(--soft);font-size:.9375rem}',
  '.or::before,.or::after{content:"";flex:1;border-top:1px solid var(--hair)}',
  '.links{margin:2rem 0 0;padding:1.25rem 0 0;border-top:1px solid var(--hair);list-style:none}',
  '.links li+li{margin-top:.125rem}',
  '.links a,.links button{display:inline-block;padding:.5625rem 0;line-height:1.625rem}',
  // What must be read: a fault, or news.
  '.alert,.news{margin:1.75rem 0 0;padding:.75rem 1rem;border:1px solid var(--hair);border-left:4px solid var(--accent);border-radius:.375rem .625rem .625rem .375rem;background:var(--raised)}',
  '.alert{border-left-color:var(--danger)}',
  '.alert>*,.news>*{margin:0}.alert>*+*,.news>*+*{margin-top:.375rem}',
  '.alert+*,.news+*{margin-top:1.75rem}',
  // Lists of things a person has: credentials, devices, sessions, tokens.
  '.list{margin:1rem 0 0;padding:0;border-top:1px solid var(--hair);list-style:none}',
  '.list>li{display:flex;flex-wrap:wrap;align-items:center;justify-content:space-between;gap:.5rem 1.25rem;padding:.875rem 0;border-bottom:1px solid var(--hair)}',
  '.list>li>:first-child{flex:1 1 14rem;min-width:0}',
  '.name{margin:0;font-weight:560;overflow-wrap:anywhere}',
  '.meta{margin:0;color:var(--soft);font-size:.9375rem;line-height:1.5;overflow-wrap:anywhere}',
  '.tag{display:inline-block;padding:0 .5rem;border:1px solid var(--hair);border-radius:1rem;color:var(--soft);font-size:.8125rem;font-weight:400;vertical-align:.0625rem}',
  '.scroll{overflow-x:auto}',
  'table{width:100%;border-collapse:collapse;font-size:.9375rem}',
  'th,td{padding:.625rem 1rem .625rem 0;border-bottom:1px solid var(--hair);text-align:left;vertical-align:top}',
  'th{color:var(--soft);font-weight:560}',
  'code,.secret{font-family:var(--mono);font-size:.9375em;overflow-wrap:anywhere}',
  '.secret{display:block;padding:.75rem 1rem;border:1px solid var(--hair);border-radius:.625rem;background:var(--raised);-webkit-user-select:all;user-select:all}',
  '.codes{display:grid;grid-template-columns:repeat(auto-fill,minmax(13rem,1fr));gap:.5rem 1.5rem;margin:0;padding:1rem 1.25rem;border:1px solid var(--hair);border-radius:.625rem;background:var(--raised);font-family:var(--mono);font-size:.9375rem;list-style:none}',
  '.qr{display:block;width:13rem;max-width:100%;height:auto;padding:.75rem;border-radius:.625rem;background:#fff}',
  'details>summary{display:inline-block;padding:.5625rem 0;color:var(--accent);cursor:pointer}',
  'details[open]>summary{margin-bottom:.75rem}',
  'dialog{max-width:28rem;padding:1.75rem;border:1px solid var(--hair);border-radius:1rem;background:var(--paper);color:var(--ink)}',
  'dialog::backdrop{background:rgb(0 0 0/.45)}',
  '.hidden{position:absolute;width:1px;height:1px;margin:-1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}',
  '[hidden]{display:none!important}',
  '@media print{.button,button,nav,.links{display:none}}',
].join('')}`
