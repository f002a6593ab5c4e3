// The sheet of the waiting page: that of every page, and what is its own.

import { pageStyle } from './style.ts'

/** Written into the page, so that it needs nothing but itself and its script. */
export const waitingStyle = `${pageStyle}${[
  '[hidden]{display:none!important}',
  '.steps{margin:2rem 0 0;padding:0;list-style:none}',
  '.steps li{position:relative;padding:.3125rem 0 .3125rem 2.25rem;color:var(--soft)}',
  '.steps li::before{content:"";position:absolute;left:.25rem;top:.6875rem;width:.9375rem;height:.9375rem;border:2px solid var(--line);border-radius:50%}',
  '.steps li+li::after{content:"";position:absolute;left:.6875rem;top:-.5625rem;width:2px;height:1.125rem;background:var(--hair)}',
  '.steps [data-state=done]::before{border-color:var(--accent);background:var(--accent)}',
  '.steps [data-state=now]{color:var(--ink);font-weight:560}',
  '.steps [data-state=now]::before{border-color:var(--accent)}',
  '.pace{margin:1.5rem 0 0}',
  'progress{display:block;width:100%;max-width:24rem;height:.375rem;margin:0 0 .625rem;border:0;border-radius:1rem;overflow:hidden;background:var(--hair);color:var(--accent);-webkit-appearance:none;appearance:none}',
  'progress::-webkit-progress-bar{background:var(--hair)}',
  'progress::-webkit-progress-value{background:var(--accent)}',
  'progress::-moz-progress-bar{background:var(--accent)}',
  '.expectation,.hint{margin:0;color:var(--soft);font-size:.9375rem}',
  '.hint+.button,.hint+input{margin-top:1rem}form .hint{margin-bottom:.75rem}main>.hint{margin-top:1.5rem}',
  'form{margin:0}button{font:inherit;cursor:pointer}',
  '.go:not([hidden])+.go{margin-top:1rem}',
  ':is(a,button):focus-visible{outline:3px solid var(--accent);outline-offset:3px}',
  '@media(prefers-reduced-motion:no-preference){@keyframes breathe{50%{opacity:.35}}.steps [data-state=now]::before{animation:breathe 2s ease-in-out infinite}}',
].join('')}`
